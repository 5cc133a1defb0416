#include "valley/data/erase.h"

#include <algorithm>
#include <cmath>

namespace valley {
namespace {

constexpr int kTries = 10;
constexpr double kLeastArea = 0.02, kMostArea = 0.33;    // of the image's
constexpr double kLeastAspect = 0.3, kMostAspect = 3.3;  // height / width

double between(double low, double high, Random& random) {
  return low + (high - low) * random.uniform();
}

}  // namespace

std::optional<Rectangle> draw_erased(int64_t height, int64_t width, Random& random) {
  for (int k = 0; k < kTries; ++k) {
    const double area = double(height * width) * between(kLeastArea, kMostArea, random);
    const double aspect = std::exp(between(std::log(kLeastAspect), std::log(kMostAspect), random));
    const auto h = std::llround(std::sqrt(area * aspect)),
               w = std::llround(std::sqrt(area / aspect));
    if (h < 1 || w < 1 || h >= height || w >= width) continue;
    const auto top = static_cast<int64_t>(random.below(static_cast<uint64_t>(height - h + 1)));
    const auto left = static_cast<int64_t>(random.below(static_cast<uint64_t>(width - w + 1)));
    return Rectangle{top, left, h, w};
  }
  return std::nullopt;
}

void erase(float* image, int64_t channels, int64_t height, int64_t width, const Rectangle& part) {
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = part.top; y < part.top + part.height; ++y)
      std::fill_n(image + (c * height + y) * width + part.left, part.width, 0.0F);
  }
}

}  // namespace valley
