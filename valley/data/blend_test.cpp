#include "valley/data/blend.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace valley::blend_test {
namespace {

at::Tensor batch_of(int64_t examples) {
  return at::arange(examples * 2 * 6 * 4, at::kFloat).view({examples, 2, 6, 4});
}

TEST(Blend, PartnersArePermutedAndDrawsFollowTheSeed) {
  Random random(3), again(3);
  const Blend a = draw_blend({.mixup = 0.4}, 50, 6, 4, random),
              b = draw_blend({.mixup = 0.4}, 50, 6, 4, again);
  EXPECT_EQ(a.share, b.share);
  EXPECT_EQ(a.partner, b.partner);
  std::vector<int64_t> sorted = a.partner;
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < 50; ++i) EXPECT_EQ(sorted[static_cast<size_t>(i)], i);
  EXPECT_NE(sorted, a.partner);
}

// Mean 1/2 and variance 1 / (4 (2 alpha + 1)), as Beta(alpha, alpha) has them.
TEST(Blend, TheShareOfMixupIsBeta) {
  for (const double alpha : {0.2, 1.0, 4.0}) {
    Random random(5);
    constexpr int kDraws = 20000;
    double sum = 0, squares = 0;
    for (int k = 0; k < kDraws; ++k) {
      const double share = draw_blend({.mixup = alpha}, 1, 6, 4, random).share;
      ASSERT_GE(share, 0);
      ASSERT_LE(share, 1);
      sum += share;
      squares += (share - 0.5) * (share - 0.5);
    }
    const double variance = 1 / (4 * (2 * alpha + 1));
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(variance / kDraws));
    EXPECT_NEAR(squares / kDraws, variance, 0.03 * variance);
  }
}

TEST(Blend, MixupIsTheWeighedMeanOfTheTwo) {
  const at::Tensor x = batch_of(3);
  at::Tensor blended = x.clone();
  blend_into(blended, {.share = 0.3, .cut = {}, .partner = {2, 0, 1}});
  for (int64_t i = 0; i < 3; ++i) {
    const at::Tensor expected = 0.3 * x[i] + 0.7 * x[(i + 2) % 3];
    EXPECT_LT((blended[i] - expected).abs().max().item<double>(), 1e-4);
  }
}

TEST(Blend, CutMixTakesARectangleOfThePartner) {
  const at::Tensor x = batch_of(2);
  at::Tensor blended = x.clone();
  blend_into(blended, {.share = 0.75, .cut = Rectangle{1, 2, 3, 2}, .partner = {1, 0}});
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t row = 0; row < 6; ++row) {
      for (int64_t column = 0; column < 4; ++column) {
        const bool cut = row >= 1 && row < 4 && column >= 2;
        for (int64_t c = 0; c < 2; ++c)
          EXPECT_TRUE(at::equal(blended[i][c][row][column], x[cut ? 1 - i : i][c][row][column]));
      }
    }
  }
}

TEST(Blend, TheShareOfCutMixIsWhatIsLeftOfAnImage) {
  Random random(1);
  for (int k = 0; k < 2000; ++k) {
    const Blend blend = draw_blend({.cutmix = 1}, 2, 6, 4, random);
    ASSERT_TRUE(blend.cut.has_value());
    const Rectangle& cut = *blend.cut;
    EXPECT_GE(cut.top, 0);
    EXPECT_GE(cut.left, 0);
    EXPECT_LE(cut.top + cut.height, 6);
    EXPECT_LE(cut.left + cut.width, 4);
    EXPECT_DOUBLE_EQ(blend.share, 1 - double(cut.height * cut.width) / 24);
  }
}

TEST(Blend, WithBothEveryBatchHasOneOfThem) {
  Random random(2);
  int cuts = 0;
  for (int k = 0; k < 2000; ++k)
    cuts += draw_blend({.mixup = 1, .cutmix = 1}, 2, 6, 4, random).cut.has_value();
  EXPECT_NEAR(cuts, 1000, 5 * std::sqrt(500));
}

TEST(Erase, SetsTheRectangleOfEveryChannelToZero) {
  at::Tensor x = batch_of(1)[0] + 1;
  erase(x.data_ptr<float>(), 2, 6, 4, {2, 1, 3, 2});
  for (int64_t row = 0; row < 6; ++row) {
    for (int64_t column = 0; column < 4; ++column) {
      const bool erased = row >= 2 && row < 5 && column >= 1 && column < 3;
      for (int64_t c = 0; c < 2; ++c)
        EXPECT_EQ(x[c][row][column].item<float>(),
                  erased ? 0.0F : float(1 + c * 24 + row * 4 + column));
    }
  }
}

TEST(Erase, AreaAndAspectAreInTheirRanges) {
  Random random(4);
  double area = 0;
  int drawn = 0;
  for (int k = 0; k < 4000; ++k) {
    const auto part = draw_erased(200, 200, random);
    if (!part) continue;
    ++drawn;
    const double share = double(part->height * part->width) / 40000;
    const double aspect = double(part->height) / double(part->width);
    EXPECT_GT(share, 0.018);
    EXPECT_LT(share, 0.335);
    EXPECT_GT(aspect, 0.29);
    EXPECT_LT(aspect, 3.45);
    EXPECT_LT(part->top + part->height, 201);
    EXPECT_LT(part->left + part->width, 201);
    area += share;
  }
  EXPECT_GT(drawn, 3900);
  // U(.02, .33), but for the few that did not fit.
  EXPECT_NEAR(area / drawn, 0.175, 0.01);
}

TEST(Erase, NothingFitsWhereThereIsNoRoom) {
  Random random(4);
  EXPECT_FALSE(draw_erased(1, 1, random).has_value());
}

}  // namespace
}  // namespace valley::blend_test
