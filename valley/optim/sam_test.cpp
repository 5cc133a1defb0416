#include "valley/optim/sam.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/core/error.h"

namespace valley {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }

TEST(Sam, ClimbsRhoAlongTheGradientAndComesBackToTheBit) {
  Sam sam({.rho = 0.5});
  EXPECT_TRUE(sam.on());
  at::Tensor x = vec({1, -2, 0.1});
  const at::Tensor start = x.clone();
  sam.climb(x, vec({3, 0, -4}));
  EXPECT_LT((x - vec({1.3, -2, -0.3})).abs().max().item<double>(), 1e-15);
  sam.come_back(x);
  EXPECT_TRUE(x.equal(start));
}

TEST(Sam, AdaptiveClimbsInUnitsOfTheParameters) {
  Sam sam({.rho = 0.5, .adaptive = true});
  at::Tensor x = vec({0.99, -1.99});  // T = (1, 2)
  sam.climb(x, vec({4, 1.5}));        // T g = (4, 3), ||T g|| = 5, T^2 g = (4, 6)
  EXPECT_LT((x - vec({0.99 + 0.4, -1.99 + 0.6})).abs().max().item<double>(), 1e-15);
}

// f = sum h x^2 / 2 with h = (1, 9) at (1, 1): the gradient at x + e is h (x + e).
TEST(Sam, TheSecondGradientOfAQuadratic) {
  Sam sam({.rho = 0.1});
  const at::Tensor h = vec({1, 9});
  at::Tensor x = vec({1, 1});
  sam.climb(x, h * x);
  const double norm = std::sqrt(82.0);
  EXPECT_LT((h * x - vec({1 + 0.1 / norm, 9 + 8.1 / norm})).abs().max().item<double>(), 1e-14);
}

TEST(Sam, AZeroGradientLeavesXWhereItIs) {
  for (const bool adaptive : {false, true}) {
    Sam sam({.rho = 0.5, .adaptive = adaptive});
    at::Tensor x = vec({1, 2});
    sam.climb(x, at::zeros({2}, at::kDouble));
    EXPECT_TRUE(x.equal(vec({1, 2})));
  }
}

TEST(Sam, RhoOutOfRangeIsRefused) {
  const auto error = [](double rho) {
    try {
      Sam sam({.rho = rho});
    } catch (const UsageError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(error(0), "none");
  EXPECT_EQ(error(-0.1), "--sam must be at least 0, got -0.1");
  EXPECT_EQ(error(std::numeric_limits<double>::infinity()), "--sam must be at least 0, got inf");
  EXPECT_FALSE(Sam({}).on());
}

}  // namespace
}  // namespace valley
