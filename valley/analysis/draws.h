#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

namespace valley {

/// Vector number `draw` of independent standard normal numbers, of the size and dtype of `like`.
/// The same for the same (seed, purpose, draw), whatever was drawn before.
at::Tensor draw_normals(const at::Tensor& like, uint64_t seed, std::string_view purpose,
                        int64_t draw);

/// The same of signs, -1 and 1 as likely as each other (Rademacher).
at::Tensor draw_signs(const at::Tensor& like, uint64_t seed, std::string_view purpose,
                      int64_t draw);

}  // namespace valley
