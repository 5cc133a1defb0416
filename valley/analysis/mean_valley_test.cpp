#include "valley/analysis/mean_valley.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"

namespace valley::mean_valley_test {
namespace {

using Loss = std::function<double(const at::Tensor&)>;

constexpr double kExact = 1e-10;  // relative tolerance where closed forms are compared

at::Tensor vec(std::vector<double> values) { return at::tensor(values, at::kDouble); }

double times(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum().item<double>(); }

// L0 + g.x + x^T diag(h) x / 2
Loss quadratic(double l0, const at::Tensor& h, const at::Tensor& g = {}) {
  return [=](const at::Tensor& x) {
    return l0 + 0.5 * times(x * h, x) + (g.defined() ? times(g, x) : 0.0);
  };
}

std::vector<at::Tensor> rows(const at::Tensor& X) { return X.unbind(0); }

std::string error_of(const Loss& loss, const at::Tensor& average,
                     const std::vector<at::Tensor>& workers,
                     const MeanValleyOptions& options = {}) {
  try {
    mean_valley(loss, average, workers, options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

const Loss kBowl = quadratic(1, vec({1, 1}));
const at::Tensor kOrigin = at::zeros({2}, at::kDouble);
const std::vector<at::Tensor> kPair = {vec({3, 4}), vec({-3, -4})};

// --- A12: closed forms ---------------------------------------------------------------------------

TEST(MeanValley, OnAQuadraticItIsTheClosedForm) {
  const at::Tensor h = vec({0.5, 2, 8, 1}), zero = at::zeros({4}, at::kDouble);
  const at::Tensor X = normals({3, 4}, 1);
  for (const double kappa : {1.5, 2.0, 10.0}) {
    const double l0 = 0.3;
    const MeanValley valley =
        mean_valley(quadratic(l0, h), zero, rows(X), {.kappa = kappa, .tolerance = kExact});
    double mean = 0;
    for (int64_t m = 0; m < 3; ++m) {
      const at::Tensor delta = X[m] / X[m].norm();
      const double t = std::sqrt(2 * (kappa - 1) * l0 / times(delta * h, delta));
      ASSERT_TRUE(valley.distances[m]);
      EXPECT_NEAR(*valley.distances[m], t, 1e-9 * t);
      mean += t / 3;
    }
    EXPECT_NEAR(valley.mean, mean, 1e-9 * mean);
    EXPECT_NEAR(valley.inverse, 1 / mean, 1e-9 / mean);
    EXPECT_EQ(valley.loss, l0);
    EXPECT_TRUE(valley.all_crossed());
  }
}

// The average need not be the minimum.
TEST(MeanValley, WithAGradientAtTheAverageItIsTheRootOfTheQuadratic) {
  const at::Tensor h = vec({0.5, 2, 8}), g = vec({0.3, -0.7, 0.2}),
                   zero = at::zeros({3}, at::kDouble);
  const at::Tensor X = normals({4, 3}, 2);
  const double l0 = 0.8, kappa = 2;
  const MeanValley valley = mean_valley(quadratic(l0, h, g), zero, rows(X), {.tolerance = kExact});
  for (int64_t m = 0; m < 4; ++m) {
    const at::Tensor delta = X[m] / X[m].norm();
    const double a = times(delta * h, delta), b = times(g, delta);
    const double t = (-b + std::sqrt(b * b + 2 * a * (kappa - 1) * l0)) / a;
    ASSERT_TRUE(valley.distances[m]);
    EXPECT_NEAR(*valley.distances[m], t, 1e-9 * t);
  }
}

TEST(MeanValley, OnAConeItIsTheHeightOverTheSlope) {
  const double l0 = 0.4, c = 3;
  const Loss cone = [=](const at::Tensor& x) { return l0 + c * std::sqrt(times(x, x)); };
  for (const double kappa : {1.1, 2.0, 5.0}) {
    const MeanValley valley =
        mean_valley(cone, at::zeros({5}, at::kDouble), rows(normals({3, 5}, 3)),
                    {.kappa = kappa, .tolerance = kExact});
    const double t = (kappa - 1) * l0 / c;
    for (const auto& distance : valley.distances) EXPECT_NEAR(distance.value(), t, 1e-9 * t);
    EXPECT_NEAR(valley.inverse, 1 / t, 1e-8 / t);
  }
}

TEST(MeanValley, FourTimesTheCurvatureIsTwiceTheInverse) {
  const at::Tensor h = vec({0.5, 2, 8}), zero = at::zeros({3}, at::kDouble);
  const auto workers = rows(normals({4, 3}, 4));
  const MeanValleyOptions options = {.tolerance = kExact};
  const double flat = mean_valley(quadratic(1, h), zero, workers, options).inverse;
  const double sharp = mean_valley(quadratic(1, 4 * h), zero, workers, options).inverse;
  EXPECT_NEAR(sharp / flat, 2, 1e-8);
}

// --- the searches --------------------------------------------------------------------------------

TEST(MeanValley, StepsEndAtMostOneStepBehindTheWall) {
  const double t = std::sqrt(2.0);  // of kBowl
  for (const double step : {0.5, 0.1, 0.013}) {
    const MeanValley valley =
        mean_valley(kBowl, kOrigin, kPair, {.search = ValleySearch::kStep, .step = step});
    for (const auto& distance : valley.distances) {
      EXPECT_GE(distance.value(), t);
      EXPECT_LT(distance.value(), t + step);
      EXPECT_DOUBLE_EQ(distance.value(), std::ceil(t / step) * step);
    }
    EXPECT_EQ(valley.evaluations, 1 + 2 * int64_t(std::ceil(t / step)));
  }
}

TEST(MeanValley, BisectionKeepsItsToleranceAndItsPriceFromAnyFirstStep) {
  const double t = std::sqrt(2.0);
  for (const double step : {1e-6, 0.1, 1.0, 50.0, 5000.0}) {
    for (const double tolerance : {0.1, 1e-3, 1e-8}) {
      const MeanValley valley =
          mean_valley(kBowl, kOrigin, kPair, {.step = step, .tolerance = tolerance});
      for (const auto& distance : valley.distances) {
        EXPECT_NEAR(distance.value(), t, tolerance * t) << step;
      }
      const double price = std::abs(std::log2(t / step)) - std::log2(tolerance) + 3;
      EXPECT_LE(valley.evaluations, 1 + 2 * int64_t(price)) << step << " " << tolerance;
    }
  }
}

// The first axis is flat: nobody who walks along it ever meets a wall.
TEST(MeanValley, WhoDoesNotCrossSaysSoAndCountsWithTheCap) {
  const Loss canyon = quadratic(1, vec({0, 2}));  // t = 1 along the second axis
  const std::vector<at::Tensor> workers = {vec({1, 0}), vec({0, 1})};
  for (const ValleySearch search : {ValleySearch::kBisect, ValleySearch::kStep}) {
    const MeanValley valley = mean_valley(
        canyon, kOrigin, workers, {.search = search, .step = 0.25, .tolerance = kExact, .cap = 9});
    EXPECT_FALSE(valley.distances[0]);
    EXPECT_NEAR(valley.distances[1].value(), 1, 1e-9);
    EXPECT_FALSE(valley.all_crossed());
    EXPECT_NEAR(valley.mean, 5, 1e-9);
    EXPECT_NEAR(valley.inverse, 0.2, 1e-9);
  }
  // A wall beyond the cap, and one exactly there.
  const Loss near = quadratic(1, vec({2, 2}));
  EXPECT_FALSE(mean_valley(near, kOrigin, workers, {.cap = 0.9}).distances[0]);
  EXPECT_TRUE(mean_valley(near, kOrigin, workers, {.cap = 1}).distances[0]);
}

// --- what it does and does not depend on ---------------------------------------------------------

class MeanValleyInvariance : public testing::Test {
 protected:
  double inverse(const Loss& loss, const at::Tensor& average, const at::Tensor& X) const {
    return mean_valley(loss, average, rows(X), {.tolerance = kExact}).inverse;
  }
  const at::Tensor h_ = vec({0.5, 2, 8}), zero_ = at::zeros({3}, at::kDouble);
  const at::Tensor X_ = normals({4, 3}, 5);
  const Loss loss_ = quadratic(0.7, h_, vec({0.1, 0.2, -0.1}));
  const double expected_ = inverse(loss_, zero_, X_);
};

TEST_F(MeanValleyInvariance, TheUnitOfTheLoss) {
  const Loss scaled = [&](const at::Tensor& x) { return 37 * loss_(x); };
  EXPECT_NEAR(inverse(scaled, zero_, X_) / expected_, 1, 1e-9);
}

TEST_F(MeanValleyInvariance, HowFarTheWorkersAre) {
  EXPECT_NEAR(inverse(loss_, zero_, 123 * X_) / expected_, 1, 1e-9);
  const at::Tensor each = vec({1, 0.01, 7, 1000}).view({4, 1});
  EXPECT_NEAR(inverse(loss_, zero_, each * X_) / expected_, 1, 1e-9);
}

TEST_F(MeanValleyInvariance, TheOrderOfTheWorkersAndWhereTheOriginIs) {
  EXPECT_NEAR(inverse(loss_, zero_, X_.flip(0)) / expected_, 1, 1e-9);
  const at::Tensor shift = vec({5, -2, 3});
  const Loss moved = [&](const at::Tensor& x) { return loss_(x - shift); };
  EXPECT_NEAR(inverse(moved, shift, X_ + shift) / expected_, 1, 1e-8);
}

// The known weaknesses.
TEST_F(MeanValleyInvariance, NotAConstantAddedToTheLossNorTheScaleOfTheWeights) {
  const Loss raised = [&](const at::Tensor& x) { return loss_(x) + 1; };
  EXPECT_LT(inverse(raised, zero_, X_), 0.8 * expected_);
  const Loss rescaled = [&](const at::Tensor& x) { return loss_(x / 10); };
  EXPECT_NEAR(inverse(rescaled, zero_, 10 * X_) / expected_, 0.1, 1e-9);
}

TEST(MeanValley, Float32GivesTheSameUpToRounding) {
  const at::Tensor h = vec({0.5, 2, 8}), X = normals({4, 3}, 6);
  const Loss loss = [&](const at::Tensor& x) { return quadratic(1, h)(x.to(at::kDouble)); };
  const double expected =
      mean_valley(loss, at::zeros({3}, at::kDouble), rows(X), {.tolerance = kExact}).inverse;
  const double actual =
      mean_valley(loss, at::zeros({3}, at::kFloat), rows(X.to(at::kFloat)), {.tolerance = 1e-6})
          .inverse;
  EXPECT_NEAR(actual / expected, 1, 1e-5);
}

TEST(MeanValley, TheArgumentsStayAsTheyWere) {
  const at::Tensor average = vec({1, 2}), first = vec({2, 2}), second = vec({0, 2});
  mean_valley(quadratic(1, vec({1, 1})), average, {first, second});
  EXPECT_TRUE(average.equal(vec({1, 2})));
  EXPECT_TRUE(first.equal(vec({2, 2})));
  EXPECT_TRUE(second.equal(vec({0, 2})));
}

// --- errors --------------------------------------------------------------------------------------

TEST(MeanValley, WorkersThatMakeNoValleyAreRefused) {
  EXPECT_EQ(error_of(kBowl, kOrigin, {}), "a valley needs at least two workers, got 0");
  EXPECT_EQ(error_of(kBowl, kOrigin, {vec({1, 1})}), "a valley needs at least two workers, got 1");
  EXPECT_EQ(error_of(kBowl, kOrigin, {vec({1, 1}), kOrigin}),
            "worker 1 sits on the average: it has no direction");
  const at::Tensor average = vec({0.3, 0.3});
  EXPECT_EQ(error_of(kBowl, average, {average + 1e-16, vec({1, 1})}),
            "worker 0 sits on the average: it has no direction");
  EXPECT_EQ(error_of(kBowl, kOrigin, {vec({1, 1}), vec({1, 1, 1})}),
            "worker 1 has 3 values, the average 2");
  EXPECT_EQ(error_of(kBowl, kOrigin, {vec({1, 1}).to(at::kFloat), vec({1, 1})}),
            "worker 0 is Float, the average Double");
  EXPECT_EQ(error_of(kBowl, kOrigin.to(at::kLong), kPair),
            "the average must be float32 or float64, got Long");
}

TEST(MeanValley, OptionsOutOfRangeAreRefused) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto error = [](const MeanValleyOptions& o) { return error_of(kBowl, kOrigin, kPair, o); };
  EXPECT_EQ(error({.kappa = 1}), "kappa must be greater than 1, got 1");
  EXPECT_EQ(error({.kappa = nan}), "kappa must be greater than 1, got nan");
  EXPECT_EQ(error({.kappa = infinity}), "kappa must be greater than 1, got inf");
  EXPECT_EQ(error({.step = 0}), "step must be greater than 0, got 0");
  EXPECT_EQ(error({.tolerance = 0}), "tolerance must be in (0, 1), got 0");
  EXPECT_EQ(error({.tolerance = 1}), "tolerance must be in (0, 1), got 1");
  EXPECT_EQ(error({.step = 1, .cap = 0.5}), "cap must be at least the step, 1, got 0.5");
  EXPECT_EQ(error({}), "no error");
}

TEST(MeanValley, LossesThatAreNoHeightAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of(quadratic(0, vec({1, 1})), kOrigin, kPair),
            "the loss at the average must be positive and finite, got 0");
  EXPECT_EQ(error_of(quadratic(nan, vec({1, 1})), kOrigin, kPair),
            "the loss at the average must be positive and finite, got nan");
  const Loss cliff = [](const at::Tensor& x) {
    return times(x, x) > 0.03 ? std::numeric_limits<double>::infinity() : 1.0;
  };
  EXPECT_EQ(error_of(cliff, kOrigin, kPair), "the loss is inf at distance 0.2 towards worker 0");
}

}  // namespace
}  // namespace valley::mean_valley_test
