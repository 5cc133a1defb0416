#include "valley/data/blend.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "valley/core/shuffle.h"
#include "valley/data/gamma_draw.h"

namespace valley {
namespace {

// Of two gammas, as shares of their sum.
double beta_draw(double alpha, Random& random) {
  const double first = log_gamma_draw(alpha, random), second = log_gamma_draw(alpha, random);
  return 1 / (1 + std::exp(second - first));
}

Rectangle draw_cut(double share, int64_t height, int64_t width, Random& random) {
  const double side = std::sqrt(1 - share);
  const auto place = [&](int64_t size) {
    const auto half = static_cast<int64_t>(side * double(size)) / 2;
    const auto centre = static_cast<int64_t>(random.below(static_cast<uint64_t>(size)));
    const int64_t begin = std::max<int64_t>(0, centre - half);
    return std::pair{begin, std::min(size, centre + half) - begin};
  };
  const auto [top, rows] = place(height);
  const auto [left, columns] = place(width);
  return {top, left, rows, columns};
}

}  // namespace

Blend draw_blend(const Augmentation& a, int64_t batch, int64_t height, int64_t width,
                 Random& random) {
  Blend blend;
  const bool cuts = a.cutmix > 0 && (a.mixup == 0 || random.uniform() < 0.5);
  blend.share = beta_draw(cuts ? a.cutmix : a.mixup, random);
  if (cuts) {
    blend.cut = draw_cut(blend.share, height, width, random);
    blend.share = 1 - double(blend.cut->height * blend.cut->width) / double(height * width);
  }
  blend.partner.resize(static_cast<size_t>(batch));
  std::iota(blend.partner.begin(), blend.partner.end(), 0);
  shuffle(blend.partner, random);
  return blend;
}

void blend_into(at::Tensor& input, const Blend& blend) {
  const at::Tensor others = input.index_select(0, at::tensor(blend.partner, at::kLong));
  if (!blend.cut) {
    input.mul_(blend.share).add_(others, 1 - blend.share);
    return;
  }
  const auto [top, left, height, width] = *blend.cut;
  const auto part = [&, top = top, left = left, height = height,
                     width = width](const at::Tensor& images) {
    return images.narrow(2, top, height).narrow(3, left, width);
  };
  part(input).copy_(part(others));
}

}  // namespace valley
