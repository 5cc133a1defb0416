#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "valley/core/random.h"
#include "valley/data/erase.h"
#include "valley/data/options.h"

namespace valley {

/// How a batch is blended, mixup or CutMix; see Augmentation.
struct Blend {
  double share = 1;              ///< lam, what of an example is its own
  std::optional<Rectangle> cut;  ///< of CutMix: what is not
  std::vector<int64_t> partner;  ///< p(i), a permutation of the batch
};

/// A draw for a batch of so many images [height, width].
Blend draw_blend(const Augmentation& augmentation, int64_t batch, int64_t height, int64_t width,
                 Random& random);

/// input [B, C, H, W] <- every example and its partner. Memory: another batch.
void blend_into(at::Tensor& input, const Blend& blend);

}  // namespace valley
