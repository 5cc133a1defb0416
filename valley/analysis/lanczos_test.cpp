#include "valley/analysis/lanczos.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/analysis/draws.h"
#include "valley/analysis/hutchinson.h"
#include "valley/analysis/spectrum.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"

namespace valley::lanczos_test {
namespace {

at::Tensor symmetric(int64_t n, uint64_t seed) {
  const at::Tensor a = normals({n, n}, seed);
  return a + a.t();
}

// x -> A x, counted.
struct Operator {
  at::Tensor matrix;
  int64_t calls = 0, vectors = 0;

  SymmetricProducts products() {
    return [this](const std::vector<at::Tensor>& vs) {
      ++calls;
      vectors += static_cast<int64_t>(vs.size());
      std::vector<at::Tensor> result;
      for (const auto& v : vs) result.push_back(matrix.to(v.scalar_type()).matmul(v));
      return result;
    };
  }
};

Ritz run_all(Operator& a, const at::Tensor& start, int64_t steps) {
  LanczosRun run(start, steps);
  while (!run.done()) run.absorb(a.products()({run.vector()})[0]);
  return run.ritz();
}

TEST(Lanczos, AsManyStepsAsDimensionsGiveEveryEigenvalue) {
  Operator a{symmetric(30, 1)};
  const at::Tensor expected = at::linalg_eigvalsh(a.matrix);
  const Ritz ritz = run_all(a, normals({30}, 2), 100);
  ASSERT_EQ(ritz.values.size(), 30u);
  double weights = 0;
  for (int64_t i = 0; i < 30; ++i) {
    EXPECT_NEAR(ritz.values[i], expected[i].item<double>(), 1e-10);
    weights += ritz.weights[i];
    EXPECT_LT(ritz.residuals[i], 1e-8);
  }
  EXPECT_NEAR(weights, 1, 1e-12);
}

// A well-known failure of the plain recurrence: after the outlier has converged, it comes again.
TEST(Lanczos, NoEigenvalueComesTwice) {
  const int64_t d = 200;
  const at::Tensor values =
      at::cat({at::linspace(0, 1, d - 1, at::kFloat), at::tensor({1000.0f}, at::kFloat)});
  Operator a{values.diag()};
  const Ritz ritz = run_all(a, draw_normals(values, 3, "test", 0), 60);
  EXPECT_NEAR(ritz.values.back(), 1000, 1e-2);
  EXPECT_LT(ritz.values[ritz.values.size() - 2], 1.001);
}

// k steps integrate polynomials up to degree 2 k - 1 exactly.
TEST(Lanczos, IsAQuadrature) {
  Operator a{symmetric(12, 5)};
  const at::Tensor start = normals({12}, 6), unit = start / start.norm();
  const Ritz ritz = run_all(a, start, 3);
  at::Tensor power = unit;
  for (int degree = 0; degree <= 5; ++degree) {
    double sum = 0;
    for (size_t i = 0; i < 3; ++i) sum += ritz.weights[i] * std::pow(ritz.values[i], degree);
    EXPECT_NEAR(sum, unit.dot(power).item<double>(), 1e-9 * (1 + std::abs(sum))) << degree;
    power = a.matrix.matmul(power);
  }
}

TEST(Lanczos, StopsWhereNoDirectionIsLeft) {
  for (const auto type : {at::kFloat, at::kDouble}) {
    const at::Tensor start = at::ones({50}, type);
    Operator a{at::cat({at::zeros({48}, type), at::tensor({2.0, 3.0}, type)}).diag()};
    LanczosRun run(start, 40);
    while (!run.done()) run.absorb(a.products()({run.vector()})[0]);
    EXPECT_TRUE(run.exhausted());
    EXPECT_EQ(run.steps(), 3);  // 0, 2 and 3
    const Ritz ritz = run.ritz();
    EXPECT_NEAR(ritz.values[0], 0, 1e-6);
    EXPECT_NEAR(ritz.values[1], 2, 1e-6);
    EXPECT_NEAR(ritz.values[2], 3, 1e-6);
    EXPECT_NEAR(ritz.weights[0], 48.0 / 50, 1e-6);
  }
  Operator zero{at::zeros({4, 4}, at::kDouble)};
  const LargestEigenvalue found =
      largest_eigenvalue(zero.products(), at::ones({4}, at::kDouble), 10, 1e-3);
  EXPECT_EQ(found.value, 0);
  EXPECT_TRUE(found.converged);
  EXPECT_EQ(found.steps, 1);
}

TEST(Lanczos, TheLargestEigenvalueIsWithinItsResidual) {
  Operator a{symmetric(300, 7)};
  const double expected = at::linalg_eigvalsh(a.matrix).max().item<double>();
  for (const double tolerance : {0.1, 1e-3, 1e-8}) {
    const auto found = largest_eigenvalue(a.products(), normals({300}, 8), 200, tolerance);
    EXPECT_TRUE(found.converged);
    EXPECT_LE(found.residual, tolerance * found.value);
    EXPECT_LE(expected - found.value, found.residual + 1e-10);
    EXPECT_LT(found.steps, 120);
  }
  const auto cut = largest_eigenvalue(a.products(), normals({300}, 8), 4, 1e-8);
  EXPECT_FALSE(cut.converged);
  EXPECT_EQ(cut.steps, 4);
  // Negative curvature only.
  Operator hill{-at::eye(6, at::kDouble)};
  EXPECT_NEAR(largest_eigenvalue(hill.products(), normals({6}, 8), 4, 1e-3).value, -1, 1e-12);
}

TEST(Lanczos, KeepsWithinItsMemory) {
  const at::Tensor like = at::zeros({1000}, at::kFloat);  // 4000 bytes
  EXPECT_EQ(steps_within(1'000'000'000, 100, 1, like), 100);
  EXPECT_EQ(steps_within(84'000, 100, 1, like), 20);
  EXPECT_EQ(steps_within(84'000, 100, 2, like), 9);
  EXPECT_EQ(steps_within(0, 100, 1, like), 2);
  EXPECT_EQ(steps_within(1'000'000'000, 1, 1, like), 2);
}

TEST(Lanczos, SaysWhatIsWrong) {
  EXPECT_EQ(error_of<UsageError>([] { LanczosRun(at::zeros({3}), 5); }),
            "Lanczos needs a start that is finite and not zero");
  EXPECT_EQ(error_of<UsageError>([] { LanczosRun(at::ones({3}), 0); }),
            "Lanczos needs at least one step, got 0");
  LanczosRun run(at::ones({3}), 5);
  EXPECT_EQ(error_of<UsageError>([&] { run.absorb(at::ones({3}) / at::zeros({3})); }),
            "a product with the Hessian is not finite");
}

// Few probes of a large matrix: the sums over all its eigenvalues, within their standard error.
TEST(Spectrum, SumsOverTheEigenvalues) {
  const int64_t d = 400;
  Operator a{
      at::cat({at::linspace(-0.5, 1, d - 2, at::kDouble), at::tensor({8.0, 20.0}, at::kDouble)})
          .diag()};
  const at::Tensor values = a.matrix.diag();
  const Spectrum spectrum =
      lanczos_spectrum(a.products(), at::zeros({d}, at::kDouble), {.probes = 60, .steps = 30});
  EXPECT_EQ(a.calls, 30);
  EXPECT_EQ(a.vectors, 1800);
  EXPECT_NEAR(spectrum.largest(), 20, 1e-6);
  EXPECT_NEAR(spectrum.smallest(), -0.5, 0.02);
  const auto check = [&](const std::function<double(double)>& f, double expected) {
    const Estimate sum = spectrum.sum(f);
    EXPECT_GT(sum.standard_error, 0);
    EXPECT_LT(sum.standard_error, 0.25 * expected);
    EXPECT_NEAR(sum.value, expected, 3 * sum.standard_error);
  };
  check([](double x) { return x; }, values.sum().item<double>());
  check([](double x) { return x * x; }, (values * values).sum().item<double>());
  check([](double x) { return x > 4 ? 1.0 : 0.0; }, 2);
  EXPECT_NEAR(spectrum.sum([](double) { return 1.0; }).value, d, 1e-9);
}

TEST(Spectrum, DensityIsOneInAll) {
  Operator a{at::tensor({1.0, 1.0, 1.0, 5.0}, at::kDouble).diag()};
  const Spectrum spectrum =
      lanczos_spectrum(a.products(), at::zeros({4}, at::kDouble), {.probes = 500, .steps = 4});
  std::vector<double> grid;
  for (double x = -1; x < 7; x += 0.01) grid.push_back(x);
  double total = 0, around_five = 0;
  const auto density = spectrum.density(grid, 0.1);
  for (size_t i = 0; i < grid.size(); ++i) {
    total += 0.01 * density[i];
    if (grid[i] > 4) around_five += 0.01 * density[i];
  }
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_NEAR(around_five, 0.25, 0.03);
  EXPECT_EQ(
      error_of<UsageError>([&] { lanczos_spectrum(a.products(), at::zeros({4}), {.probes = 0}); }),
      "a spectrum needs at least one probe, got 0");
}

TEST(Hutchinson, TraceAndFrobeniusWithinTheirStandardErrors) {
  Operator a{symmetric(60, 9)};
  const auto moments = hutchinson(a.products(), at::zeros({60}, at::kDouble),
                                  {.draws = 100, .together = 8, .seed = 1});
  EXPECT_EQ(a.calls, 13);
  EXPECT_EQ(a.vectors, 100);
  EXPECT_EQ(moments.trace.draws, 100);
  const double trace = a.matrix.diag().sum().item<double>();
  const double frobenius = a.matrix.norm().item<double>();
  EXPECT_NEAR(moments.trace.value, trace, 3 * moments.trace.standard_error);
  EXPECT_NEAR(moments.frobenius.value, frobenius, 3 * moments.frobenius.standard_error);
  // sqrt(2 sum_{i != j} A_ij^2 / draws)
  const double off = frobenius * frobenius - a.matrix.diag().square().sum().item<double>();
  EXPECT_NEAR(moments.trace.standard_error, std::sqrt(2 * off / 100),
              0.25 * std::sqrt(2 * off / 100));
}

// Signs know a diagonal matrix after one draw.
TEST(Hutchinson, IsExactForADiagonal) {
  Operator a{at::tensor({1.0, -2.0, 4.0}, at::kDouble).diag()};
  const auto moments = hutchinson(a.products(), at::zeros({3}, at::kDouble), {.draws = 2});
  EXPECT_EQ(moments.trace.value, 3);
  EXPECT_EQ(moments.trace.standard_error, 0);
  EXPECT_NEAR(moments.frobenius.value, std::sqrt(21.0), 1e-12);
  EXPECT_EQ(error_of<UsageError>([&] { hutchinson(a.products(), at::ones({3}), {.draws = 0}); }),
            "draws must be at least 1, got 0");
  EXPECT_EQ(error_of<UsageError>([&] { hutchinson(a.products(), at::ones({3}), {.together = 0}); }),
            "together must be at least 1, got 0");
}

TEST(Draws, DependOnSeedPurposeAndNumberAlone) {
  const at::Tensor like = at::zeros({10000}, at::kFloat);
  const at::Tensor x = draw_normals(like, 1, "a", 2), s = draw_signs(like, 1, "a", 2);
  EXPECT_TRUE(x.equal(draw_normals(like, 1, "a", 2)));
  EXPECT_FALSE(x.equal(draw_normals(like, 2, "a", 2)));
  EXPECT_FALSE(x.equal(draw_normals(like, 1, "b", 2)));
  EXPECT_FALSE(x.equal(draw_normals(like, 1, "a", 3)));
  EXPECT_EQ(x.scalar_type(), at::kFloat);
  EXPECT_NEAR(x.mean().item<double>(), 0, 0.04);
  EXPECT_NEAR(x.std().item<double>(), 1, 0.03);
  EXPECT_TRUE(s.abs().eq(1).all().item<bool>());
  EXPECT_NEAR(s.mean().item<double>(), 0, 0.04);
  EXPECT_FALSE(s.narrow(0, 0, 64).equal(s.narrow(0, 64, 64)));
}

TEST(Estimates, HaveTheStandardErrorOfTheMean) {
  const Estimate e = mean_estimate({1, 2, 3, 6});
  EXPECT_EQ(e.value, 3);
  EXPECT_NEAR(e.standard_error, std::sqrt(14.0 / 3 / 4), 1e-12);
  EXPECT_EQ(e.draws, 4);
  EXPECT_EQ(mean_estimate({5}).standard_error, 0);
  const Estimate t = transformed(e, 9, -6);
  EXPECT_EQ(t.value, 9);
  EXPECT_NEAR(t.standard_error, 6 * e.standard_error, 1e-12);
}

}  // namespace
}  // namespace valley::lanczos_test
