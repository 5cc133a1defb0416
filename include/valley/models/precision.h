#pragma once

#include "valley/core/settings.h"

namespace valley {

/// In what a network computes its outputs. Weights, gradients, losses and rounds are float32 in
/// either case.
enum class Precision {
  kFloat32,
  kBf16,  ///< products and convolutions in bfloat16, as LibTorch's autocast has it; the rest in
          ///< float32
};

inline constexpr OneOf<Precision>::Name kPrecisionNames[] = {{"float32", Precision::kFloat32},
                                                             {"bf16", Precision::kBf16}};
inline constexpr auto kPrecisions = one_of("precision", kPrecisionNames);

}  // namespace valley
