#include "valley/comm/host_communicator.h"

#include <ATen/core/TensorBody.h>

#include "valley/comm/fused.h"

namespace valley {
namespace {

template <typename Scalar>
void divide(at::Tensor& x, int64_t begin, int64_t end, int by) {
  Scalar* data = x.data_ptr<Scalar>();
  for (int64_t i = begin; i < end; ++i) data[i] /= static_cast<Scalar>(by);
}

}  // namespace

const Capabilities& host_capabilities(bool shares_memory) {
  static const Capabilities apart{.sums = {at::kFloat, at::kDouble}};
  static const Capabilities shared{
      .devices = {at::kCPU, at::kCUDA}, .sums = apart.sums, .shares_memory = true};
  return shares_memory ? shared : apart;
}

void HostCommunicator::do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) {
  sum_in_chunks(call, in, out, {});
}

SquaredNorms HostCommunicator::do_all_reduce_sum_norms(Call& call, const at::Tensor& x,
                                                       at::Tensor& sum) {
  SquaredNorms norms;
  sum_in_chunks(call, x, sum, [&](int64_t begin, int64_t end) {
    norms += squared_norms(x, sum, size(), begin, end);
  });
  return norms;
}

void HostCommunicator::do_all_reduce_mean(Call& call, at::Tensor& x) {
  if (!fused(x)) {
    sum_in_chunks(call, x, x, {});
    x.div_(size());
    return;
  }
  const auto by_type = call.dtype == at::kDouble ? &divide<double> : &divide<float>;
  sum_in_chunks(call, x, x, [&](int64_t begin, int64_t end) { by_type(x, begin, end, size()); });
}

}  // namespace valley
