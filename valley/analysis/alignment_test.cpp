#include "valley/analysis/alignment.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/testing/normals.h"

namespace valley::alignment_test {
namespace {

constexpr int64_t kDimension = 50;

at::Tensor axis(int64_t i, double size = 1) {
  at::Tensor e = at::zeros({kDimension}, at::kDouble);
  e[i].fill_(size);
  return e;
}

// diag(h), with 20, 15 and 10 on the first axes and at most 1 elsewhere.
SymmetricProducts diagonal() {
  at::Tensor h = at::linspace(-0.5, 1, kDimension, at::kDouble);
  for (int64_t i = 0; i < 3; ++i) h[i].fill_(20 - 5 * i);
  return [h](const std::vector<at::Tensor>& vs) {
    std::vector<at::Tensor> products;
    for (const at::Tensor& v : vs) products.push_back(h * v);
    return products;
  };
}

SharpDirections sharpest(int64_t k) {
  return sharp_directions(diagonal(), normals({kDimension}, 1), 40, k);
}

TEST(SharpDirections, AreTheLargestEigenvalues) {
  const SharpDirections sharp = sharpest(3);
  ASSERT_EQ(sharp.values.size(), 3u);
  for (int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(sharp.values[size_t(i)], 20 - 5.0 * i, 1e-9);
    EXPECT_LT(sharp.residuals[size_t(i)], 1e-6);
    EXPECT_NEAR(std::abs(sharp.vectors[i][i].item<double>()), 1, 1e-9);
    EXPECT_NEAR(sharp.vectors[i].norm().item<double>(), 1, 1e-12);
  }
}

// A gap along an axis within the span, one half within, one outside of it, one of no length.
TEST(Alignment, SharesAndBendsByHand) {
  const std::vector<at::Tensor> gaps = {axis(1, 2), axis(0, 3) + axis(49, 3), axis(49),
                                        at::zeros({kDimension}, at::kDouble)};
  const Alignment a = alignment(diagonal(), sharpest(2), gaps, axis(0) + axis(2), 3, 0);
  EXPECT_NEAR(a.of_workers[0], 1, 1e-9);
  EXPECT_NEAR(a.of_workers[1], 0.5, 1e-9);
  EXPECT_NEAR(a.of_workers[2], 0, 1e-9);
  EXPECT_TRUE(std::isnan(a.of_workers[3]));
  EXPECT_NEAR(a.of_gradient, 0.5, 1e-9);
  EXPECT_NEAR(a.bend_of_workers[0], 15, 1e-12);
  EXPECT_NEAR(a.bend_of_workers[1], 10.5, 1e-12);
  EXPECT_NEAR(a.penalty, (4 * 15 + 18 * 10.5 + 1) / 4, 1e-12);
  EXPECT_EQ(a.expected, 2.0 / kDimension);
}

TEST(Alignment, OfRandomDirectionsIsThatOfAny) {
  const Alignment a = alignment(diagonal(), sharpest(3), {}, axis(0), 4000, 5);
  EXPECT_NEAR(a.of_random.value, 3.0 / kDimension, 5 * a.of_random.standard_error);
  double trace = 0;
  for (int64_t i = 0; i < kDimension; ++i) trace += i < 3 ? 20 - 5.0 * i : -0.5 + 1.5 * i / 49;
  EXPECT_NEAR(a.bend_of_random.value, trace / kDimension, 5 * a.bend_of_random.standard_error);
}

}  // namespace
}  // namespace valley::alignment_test
