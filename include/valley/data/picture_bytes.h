#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace valley {

/// The bytes of a PNG file of pixels [H, W, C] uint8, C = 1 (grey) or 3.
std::string png_file(const at::Tensor& pixels);

}  // namespace valley
