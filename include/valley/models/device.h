#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "valley/models/model.h"

namespace valley {

/// The device that is named: "cpu", "cuda" (the one that this thread's work goes to, the first
/// unless somebody chose), "cuda:2", or "auto": cuda where there is one, else cpu.
/// @throws UsageError if LibTorch is without CUDA, or this machine has no such GPU
at::Device find_device(const std::string& name);

/// Where a model's parameters are. @throws UsageError if it has none
at::Device device_of(Model& model);

/// All that its state_dict holds goes to `device`, in its place: the tensors stay the model's own.
/// Before FlatParameters, whose views it would break.
void move_to(Model& model, at::Device device);

}  // namespace valley
