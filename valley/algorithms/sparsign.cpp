#include "valley/algorithms/sparsign.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/ternary.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class Sparsign : public EveryStepAlgorithm {
 public:
  Sparsign(const SparsignOptions& options, uint64_t seed) : options_(options), seed_(seed) {
    keep("error", error_);
  }

  bool final_average_needed() const override { return false; }

 private:
  void begin(const at::Tensor& x) override { error_ = at::zeros_like(x); }

  void do_on_gradient(const StepInfo& info, at::Tensor&, at::Tensor& g) override {
    count_step();
    if (alone()) return;
    const at::Tensor payloads = comm().all_gather(pack_ternary(votes(g, info.step)));
    at::Tensor tally = at::zeros_like(g);
    for (int64_t m = 0; m < payloads.size(0); ++m) add_ternary(payloads[m], tally);
    if (options_.vote_majority) {
      at::sign_out(g, tally);
      return;
    }
    error_.add_(tally, 1 / (options_.vote_budget * comm().size()));
    at::sign_out(g, error_).mul_(error_.abs().mean());
    error_.sub_(g);
  }

  at::Tensor votes(const at::Tensor& g, int64_t step) const {
    auto generator = at::make_generator<at::CPUGeneratorImpl>(
        derive_seed(seed_, comm().rank(), "sparsign", step));
    // The same draws on every device.
    at::Tensor draws = at::empty_like(g, g.options().device(at::kCPU));
    draws.uniform_(0, 1, generator);
    return g.sign().mul_(draws.to(g.device()).lt(g.abs().mul_(options_.vote_budget)));
  }

  SparsignOptions options_;
  uint64_t seed_;
  at::Tensor error_;  // e, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_sparsign(const SparsignOptions& options,
                                         const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<Sparsign>(options, context.seed);
}

}  // namespace valley
