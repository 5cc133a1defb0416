#pragma once

#include <cstdint>
#include <optional>

#include "valley/core/random.h"

namespace valley {

/// A part of an image [height, width].
struct Rectangle {
  int64_t top = 0, left = 0, height = 0, width = 0;
};

/// What random erasing erases of an image of that size, see Augmentation; none where ten draws in a
/// row did not fit. It is smaller than the image in both directions.
std::optional<Rectangle> draw_erased(int64_t height, int64_t width, Random& random);

/// image [channels, height, width] <- 0 in the rectangle.
void erase(float* image, int64_t channels, int64_t height, int64_t width, const Rectangle& part);

}  // namespace valley
