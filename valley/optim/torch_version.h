#pragma once

#include <ATen/core/Tensor.h>
#include <torch/version.h>

/// Everything that differs between the LibTorch versions Valley builds against (1.13.1 to 2.6)
/// outside the communicator's sources.
#define VALLEY_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) ||         \
   (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

#if !VALLEY_TORCH_AT_LEAST(2, 0)
#include <c10/util/string_utils.h>
#endif

namespace valley {

#if VALLEY_TORCH_AT_LEAST(2, 0)
/// The key of a parameter in torch::optim's state map: the tensor's address...
inline void* optimizer_state_key(const at::Tensor& parameter) {
  return parameter.unsafeGetTensorImpl();
}
#else
/// ... which 1.13 spells out as text.
inline std::string optimizer_state_key(const at::Tensor& parameter) {
  return c10::guts::to_string(parameter.unsafeGetTensorImpl());
}
#endif

}  // namespace valley
