#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace valley {

struct NamedTensor {
  std::string name;  ///< the name in PyTorch's state_dict, "conv1.weight"
  at::Tensor tensor;
};

}  // namespace valley
