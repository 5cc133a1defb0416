#include "valley/optim/sam.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/testing/test_folder.h"

namespace valley::sam_test {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }

double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(Sam, LooksRhoAlongTheGradientAndMovesNothing) {
  const at::Tensor x = vec({1, -2, 0.1}), g = vec({3, 0, -4});
  EXPECT_LT(difference(uphill({.rho = 0.5}, x, g), vec({1.3, -2, -0.3})), 1e-15);
  EXPECT_TRUE(x.equal(vec({1, -2, 0.1})));
  EXPECT_TRUE(g.equal(vec({3, 0, -4})));
}

TEST(Sam, AdaptiveLooksInUnitsOfTheParameters) {
  const at::Tensor x = vec({0.99, -1.99}), g = vec({4, 1.5});
  // T = (1, 2): T g = (4, 3), ||T g|| = 5, T^2 g = (4, 6)
  EXPECT_LT(difference(uphill({.rho = 0.5, .adaptive = true}, x, g), vec({1.39, -1.39})), 1e-15);
  EXPECT_TRUE(g.equal(vec({4, 1.5})));
}

// As on a device, where nobody waits for the norm.
TEST(Sam, OperatorsComeToTheSame) {
  const at::Tensor x = vec({0.99, -1.99}), g = vec({4, 1.5}), none = at::zeros_like(g);
  for (const bool adaptive : {false, true}) {
    const at::Tensor there = uphill({.rho = 0.5, .adaptive = adaptive}, x, g);
    const OperatorsOnly only;
    EXPECT_LT(difference(uphill({.rho = 0.5, .adaptive = adaptive}, x, g), there), 1e-15);
    EXPECT_TRUE(uphill({.rho = 0.5, .adaptive = adaptive}, x, none).equal(x));
  }
}

// f = sum h x^2 / 2 with h = (1, 9) at (1, 1): the gradient at x + e is h (x + e).
TEST(Sam, TheSecondGradientOfAQuadratic) {
  const at::Tensor h = vec({1, 9}), x = vec({1, 1});
  const double norm = std::sqrt(82.0);
  const at::Tensor second = h * uphill({.rho = 0.1}, x, h * x);
  EXPECT_LT(difference(second, vec({1 + 0.1 / norm, 9 + 8.1 / norm})), 1e-14);
}

TEST(Sam, AZeroGradientLeadsNowhere) {
  for (const bool adaptive : {false, true}) {
    const at::Tensor x = vec({1, 2});
    const at::Tensor there =
        uphill({.rho = 0.5, .adaptive = adaptive}, x, at::zeros({2}, at::kDouble));
    EXPECT_TRUE(there.equal(x));
    EXPECT_FALSE(there.is_alias_of(x));
  }
}

TEST(Sam, RhoOutOfRangeIsRefused) {
  EXPECT_NO_THROW(check_ranges(SamOptions{}));
  const auto error = [](double rho) {
    return error_of<UsageError>([&] { check_ranges(SamOptions{.rho = rho}); });
  };
  EXPECT_EQ(error(-0.1), "sam must be at least 0, got -0.1");
  EXPECT_EQ(error(std::numeric_limits<double>::infinity()), "sam must be at least 0, got inf");
}

}  // namespace
}  // namespace valley::sam_test
