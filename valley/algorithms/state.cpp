#include "valley/algorithms/state.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include "valley/core/error.h"

namespace valley {
namespace {

const at::Tensor& find(const AlgorithmState& state, const std::string& name) {
  for (const auto& [key, tensor] : state) {
    if (key == name) return tensor;
  }
  throw UsageError(fmt::format("the checkpoint is of another algorithm: it has no {}", name));
}

}  // namespace

at::Tensor state_entry(const AlgorithmState& state, const std::string& name, at::ScalarType dtype,
                       int64_t numel) {
  const at::Tensor& tensor = find(state, name);
  require(tensor.scalar_type() == dtype && (numel < 0 || tensor.numel() == numel),
          "the checkpoint's entry {} is damaged", name);
  return tensor;
}

void load_vector(const AlgorithmState& state, const std::string& name, at::Tensor& x) {
  const at::Tensor& tensor = find(state, name);
  x = tensor.numel() == 0 ? at::Tensor() : tensor.clone();
}

at::Tensor state_value(const at::Tensor& x) { return x.defined() ? x : at::empty({0}); }

}  // namespace valley
