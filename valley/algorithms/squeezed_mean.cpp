#include "valley/algorithms/squeezed_mean.h"

#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/power_sgd.h"

namespace valley {

void SqueezedMean::start(Communicator& comm, const at::Tensor& v, int64_t draw) {
  squeeze_.join(comm, v);
  at::Tensor rest = v;
  const at::Tensor mean = squeeze_.to_owners(rest, draw);
  if (!e_.defined()) e_ = at::zeros_like(mean);
  e_.add_(mean);
  said_ = at::zeros_like(v);
  squeeze_.to_all(e_, draw, said_);
}

std::unique_ptr<MeanCoder> make_mean_coder(const std::string& wire,
                                           const AlgorithmContext& context) {
  check_wire(wire);
  if (const auto rank = powersgd_rank(wire)) return std::make_unique<PowerSgd>(*rank, context);
  return std::make_unique<SqueezedMean>(wire, context.seed);
}

}  // namespace valley
