#include "valley/models/device.h"

#include <ATen/core/TensorBody.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/version.h>

#include "valley/core/device_name.h"
#include "valley/core/error.h"
#include "valley/models/state_dict.h"

namespace valley {
namespace {

constexpr Key kDevice = {"device"};

// What this LibTorch has of CUDA; null where it has none.
const c10::impl::DeviceGuardImplInterface* cuda() {
  return c10::impl::hasDeviceGuardImpl(at::kCUDA) ? c10::impl::getDeviceGuardImpl(at::kCUDA)
                                                  : nullptr;
}

int gpus() { return cuda() == nullptr ? 0 : cuda()->deviceCount(); }

}  // namespace

at::Device find_device(const std::string& name) {
  const DeviceName asked = parse_device_name(name);
  if (asked.kind == DeviceName::kCpu) return at::kCPU;
  if (asked.kind == DeviceName::kAuto && gpus() == 0) return at::kCPU;
  require(cuda() != nullptr, "{} {}: this LibTorch, {}, is without CUDA", kDevice, name,
          TORCH_VERSION);
  require(gpus() > 0, "{} {}: LibTorch finds no GPU in this machine", kDevice, name);
  if (!asked.number) return cuda()->getDevice();
  require(*asked.number < gpus(), "{} {}: this machine has {}, up to cuda:{}", kDevice, name,
          gpus() == 1 ? "one GPU" : fmt::format("{} GPUs", gpus()), gpus() - 1);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(*asked.number));
}

at::Device device_of(Model& model) {
  const std::vector<NamedTensor> parameters = model.parameters();
  require(!parameters.empty(), "the model has no trainable parameters");
  return parameters.front().tensor.device();
}

void move_to(Model& model, at::Device device) {
  const c10::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state_dict(model)) {
    if (tensor.device() != device) at::Tensor(tensor).set_data(tensor.detach().to(device));
  }
}

}  // namespace valley
