#include "valley/analysis/critical.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/testing/normals.h"

namespace valley::critical_test {
namespace {

at::Tensor vec(std::vector<double> values) { return at::tensor(values, at::kDouble); }

// x^T diag(h) x / 2
struct Bowl {
  at::Tensor h;
  double loss(const at::Tensor& x) const { return (h * x * x).sum().item<double>() / 2; }
  CriticalStep critical(const at::Tensor& x, const at::Tensor& u) const {
    return critical_step([this](const at::Tensor& y) { return loss(y); }, x, {loss(x), h * x}, u);
  }
};

TEST(CriticalSharpness, OfAQuadraticTakesTwoLosses) {
  const Bowl bowl = {at::linspace(0.1, 40, 30, at::kDouble)};
  for (const double scale : {1e-6, 1.0, 1e4}) {  // of the update
    const at::Tensor x = normals({30}, 1), u = normals({30}, 2).abs() * x.sign() * scale;
    const CriticalStep step = bowl.critical(x, u);
    const double expected =
        (bowl.h * u * u).sum().item<double>() / (bowl.h * x * u).sum().item<double>();
    EXPECT_NEAR(2 / step.eta, expected, 1e-6 * expected);
    EXPECT_TRUE(step.converged);
    EXPECT_EQ(step.losses, 2);
  }
}

TEST(CriticalSharpness, AlongAnEigenvectorIsItsEigenvalue) {
  const Bowl bowl = {vec({3, 50})};
  const at::Tensor x = vec({0, 0.2});
  EXPECT_NEAR(2 / bowl.critical(x, bowl.h * x).eta, 50, 1e-6);
}

TEST(CriticalSharpness, WhereTheUpdateLeadsUpNoStepPays) {
  const Bowl bowl = {vec({1, 1})};
  EXPECT_EQ(bowl.critical(vec({1, 0}), vec({-1, 0})).eta, 0);
  EXPECT_EQ(bowl.critical(vec({1, 0}), vec({0, 1})).eta, 0);
}

// log cosh from 1 along its gradient: back at the same height at -1, two units away.
TEST(CriticalSharpness, OfACurveThatIsNoParabola) {
  const auto loss = [](const at::Tensor& x) { return std::log(std::cosh(x.item<double>())); };
  const double slope = std::tanh(1.0);
  const CriticalStep step =
      critical_step(loss, vec({1}), {loss(vec({1})), vec({slope})}, vec({slope}));
  EXPECT_TRUE(step.converged);
  EXPECT_LE(step.losses, 9);
  EXPECT_NEAR(step.eta * slope, 2, 0.005);
}

}  // namespace
}  // namespace valley::critical_test
