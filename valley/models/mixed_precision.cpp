#include "valley/models/mixed_precision.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace valley {
namespace {

// The one place where LibTorch's versions differ about it: 2.4 has one switch for all devices.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
bool autocasts(at::Device device) { return at::autocast::is_autocast_enabled(device.type()); }
void set_autocasts(at::Device device, bool on) {
  at::autocast::set_autocast_enabled(device.type(), on);
}
void set_bf16(at::Device device) { at::autocast::set_autocast_dtype(device.type(), at::kBFloat16); }
#else
bool autocasts(at::Device device) {
  return device.is_cpu() ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
}
void set_autocasts(at::Device device, bool on) {
  device.is_cpu() ? at::autocast::set_cpu_enabled(on) : at::autocast::set_enabled(on);
}
void set_bf16(at::Device device) {
  device.is_cpu() ? at::autocast::set_autocast_cpu_dtype(at::kBFloat16)
                  : at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
}
#endif

// Of this thread. The weights' copies in bfloat16 live as long: they move with the next step.
class Autocast {
 public:
  explicit Autocast(at::Device device) : device_(device), before_(autocasts(device)) {
    set_bf16(device_);
    set_autocasts(device_, true);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    set_autocasts(device_, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::Device device_;
  bool before_;
};

at::Tensor in_float32(const at::Tensor& output) {
  return output.defined() && output.scalar_type() == at::kBFloat16 ? output.to(at::kFloat) : output;
}

}  // namespace

at::Tensor forward(Model& model, const at::Tensor& input, Precision precision) {
  if (precision == Precision::kFloat32) return model.forward(input);
  const Autocast autocast(input.device());
  return in_float32(model.forward(input));
}

Outputs forward_all(Model& model, const at::Tensor& input, Precision precision) {
  if (precision == Precision::kFloat32) return forward_all(model, input);
  const Autocast autocast(input.device());
  Outputs outputs = forward_all(model, input);
  outputs.logits = in_float32(outputs.logits);
  for (NamedTensor& other : outputs.others) other.tensor = in_float32(other.tensor);
  return outputs;
}

}  // namespace valley
