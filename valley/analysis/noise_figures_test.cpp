#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "valley/analysis/batch_gradients.h"
#include "valley/analysis/effective_rate.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/smoothed_loss.h"
#include "valley/analysis/spread.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/wrap.h"
#include "valley/testing/normals.h"

namespace valley::noise_figures_test {
namespace {

at::Tensor vec(std::vector<double> values) { return at::tensor(values, at::kDouble); }

TEST(Spread, OfThreeWorkers) {
  const WorkerSpread spread =
      spread_of_workers(vec({1, 1}), {vec({4, 1}), vec({1, 5}), vec({-1, 1})});
  EXPECT_EQ(spread.distances, (std::vector<double>{3, 4, 2}));
  EXPECT_DOUBLE_EQ(spread.variance, (9.0 + 16 + 4) / 3);
  EXPECT_DOUBLE_EQ(spread.angles[0][0], 0);
  EXPECT_DOUBLE_EQ(spread.angles[0][1], 90);
  EXPECT_DOUBLE_EQ(spread.angles[0][2], 180);
  EXPECT_DOUBLE_EQ(spread.angles[2][1], 90);
  EXPECT_TRUE(spread.has_directions());
  const auto directions = directions_of(spread, vec({1, 1}), {vec({4, 1}), vec({1, 5})});
  ASSERT_EQ(directions.size(), 2u);
  EXPECT_TRUE(at::allclose(directions[1], vec({0, 1})));
}

TEST(Spread, AWorkerAtTheAverageHasNoDirection) {
  // float32 weights of length 5: 1e-6 of them are rounding.
  const at::Tensor average = vec({3, 4});
  const WorkerSpread spread = spread_of_workers(average, {vec({3, 4 + 4e-6}), vec({3, 4 + 1e-5})});
  EXPECT_TRUE(std::isnan(spread.angles[0][0]));
  EXPECT_TRUE(std::isnan(spread.angles[0][1]));
  EXPECT_EQ(spread.angles[1][1], 0);
  EXPECT_EQ(directions_of(spread, average, {average, vec({3, 5})}).size(), 1u);
  EXPECT_FALSE(spread_of_workers(average, {average, average}).has_directions());
  EXPECT_EQ(spread_of_workers(average, {average}).variance, 0);
  EXPECT_EQ(error_of<UsageError>([&] { spread_of_workers(average, {}); }), "there are no workers");
}

TEST(Potential, IsLowestAtThePredictedWidth) {
  EXPECT_DOUBLE_EQ(pull_push_potential({5, 5, 5}, 0.1, 0.5), lowest_potential(3, 0.1, 0.5));
  EXPECT_DOUBLE_EQ(lowest_potential(3, 0.1, 0.5), -3.75);
  EXPECT_GT(pull_push_potential({5, 5.1, 5}, 0.1, 0.5), -3.75);
  EXPECT_GT(pull_push_potential({5, 4.9, 5}, 0.1, 0.5), -3.75);
  EXPECT_DOUBLE_EQ(pull_push_potential({2, 3}, 1, 0), 6.5);
  EXPECT_EQ(lowest_potential(3, 0, 0.5), 0);
}

// Pull and push of two workers without gradients.
TEST(Potential, FallsEveryRound) {
  double r = 12, before = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 30; ++round) {
    const double now = pull_push_potential({r, r}, 0.1, 0.5);
    EXPECT_LT(now, before);
    before = now;
    r += -0.1 * r + 0.5;
  }
}

// Learners w_a - offset and w_a + offset in one dimension, exact gradients.
StepParts two_learners(const std::function<double(double)>& gradient, double at, double offset) {
  const double mean = (gradient(at - offset) + gradient(at + offset)) / 2;
  return step_parts(vec({gradient(at)}), vec({gradient(at)}), vec({mean}));
}

TEST(EffectiveRate, IsALandscapesProperty) {
  const StepParts saturating = two_learners([](double w) { return std::tanh(w); }, 1, 0.5);
  EXPECT_NEAR(saturating.rate, 0.897634, 5e-7);  // log-cosh
  EXPECT_EQ(saturating.rate, saturating.spread_rate);
  const StepParts growing = two_learners([](double w) { return w * w * w; }, 1, 0.5);
  EXPECT_DOUBLE_EQ(growing.rate, 1.75);  // w^4 / 4
  EXPECT_DOUBLE_EQ(growing.spread_square, 0.5625);
  EXPECT_EQ(growing.noise, 0);  // one dimension has nothing across g
}

TEST(EffectiveRate, OfAQuadraticIsTheRateItself) {
  // g_j = H w_j with offsets that sum to zero.
  const at::Tensor h = vec({2, 0.5}), w = vec({1, 2}), d = vec({0.25, -0.5});
  const at::Tensor mean = (h * (w + d) + h * (w - d)) / 2;
  const StepParts parts = step_parts(h * w, h * w, mean);
  EXPECT_EQ(parts.rate, 1);
  EXPECT_EQ(parts.noise, 0);
  EXPECT_EQ(parts.spread_square, 0);
}

TEST(EffectiveRate, PartsAddUp) {
  // zeta_S = (0.5, 1), zeta_2 = (-0.2, 0.3); g along the first axis.
  const StepParts parts = step_parts(vec({2, 0}), vec({2.5, 1}), vec({2.3, 1.3}));
  EXPECT_DOUBLE_EQ(parts.rate, 1.15);
  EXPECT_DOUBLE_EQ(parts.spread_rate, 0.9);
  EXPECT_NEAR(parts.batch_square, 1.25, 1e-15);
  EXPECT_NEAR(parts.spread_square, 0.13, 1e-15);
  EXPECT_NEAR(parts.batch_noise, 1, 1e-15);
  EXPECT_NEAR(parts.spread_noise, 0.09, 1e-15);
  EXPECT_NEAR(parts.joint_noise, 0.6, 1e-15);
  EXPECT_NEAR(parts.noise, 1.69, 1e-15);  // ||g_a||^2 - rate^2 ||g||^2
  EXPECT_NEAR(parts.noise, 2.3 * 2.3 + 1.3 * 1.3 - 1.15 * 1.15 * 4, 1e-14);
  const EffectiveRate mean =
      effective_rate({parts, step_parts(vec({2, 0}), vec({2, 0}), vec({2, 0}))});
  EXPECT_DOUBLE_EQ(mean.rate.value, 1.075);
  EXPECT_DOUBLE_EQ(mean.rate.standard_error, 0.075);
  EXPECT_DOUBLE_EQ(mean.noise.value, 0.845);
}

TEST(EffectiveRate, NeedsAGradient) {
  EXPECT_EQ(error_of<UsageError>([] { step_parts(vec({0}), vec({1}), vec({1})); }),
            "the gradient at the average has length 0: no rate along it");
}

TEST(SmoothedLoss, OfAModulusIsRound) {
  const double sigma = 0.5, h = 0.1, pi = std::numbers::pi;
  const auto modulus = [](const at::Tensor& w) { return std::abs(w.item<double>()); };
  const SmoothedLoss smooth = smoothed_loss(modulus, vec({0}), {in_turn({vec({1})})},
                                            {.sigma = sigma, .step = h, .draws = 20000, .seed = 1});
  const auto exact = [&](double w) {
    return sigma * std::sqrt(2 / pi) * std::exp(-w * w / (2 * sigma * sigma)) +
           w * std::erf(w / (sigma * std::sqrt(2)));
  };
  const Estimate& curvature = smooth.curvatures.at(0);
  EXPECT_LT(curvature.standard_error, 0.04);
  EXPECT_NEAR(curvature.value, 2 * (exact(h) - exact(0)) / (h * h), 3 * curvature.standard_error);
  EXPECT_NEAR(smooth.loss.value, exact(0), 4 * smooth.loss.standard_error);
  EXPECT_NEAR(smooth.slopes.at(0), 1, 1e-9);
  // The bound holds with equality, and the difference's step of 0.1 is a small one.
  EXPECT_NEAR(smoothness_bound(1, sigma), 1.595769, 5e-7);
  EXPECT_NEAR(2 * (exact(1e-3) - exact(0)) / 1e-6, 1.595769, 1e-5);
  EXPECT_NEAR(curvature.value, 1.595769, 0.11);
}

TEST(SmoothedLoss, OfAQuadratic) {
  const at::Tensor h = vec({2, -1, 5});
  const auto bowl = [&](const at::Tensor& x) { return (h * x * x).sum().item<double>() / 2; };
  const at::Tensor x = vec({1, 1, 0});
  // Every draw has the curvature itself; draws take the directions of a group in turn.
  const SmoothedLoss smooth =
      smoothed_loss(bowl, x, {in_turn({vec({1, 0, 0})}), in_turn({vec({0, 1, 0}), vec({0, 0, 1})})},
                    {.sigma = 0.1, .step = 0.05, .draws = 4});
  EXPECT_NEAR(smooth.curvatures.at(0).value, 2, 1e-9);
  EXPECT_NEAR(smooth.curvatures.at(0).standard_error, 0, 1e-9);
  EXPECT_NEAR(smooth.curvatures.at(1).value, 2, 1e-9);  // the mean of -1 and 5
  // L~ = L + sigma^2 tr(H) / 2
  const SmoothedLoss many = smoothed_loss(bowl, x, {}, {.sigma = 0.1, .draws = 2000});
  EXPECT_NEAR(many.loss.value, 0.5 + 0.005 * 6, 4 * many.loss.standard_error);
  EXPECT_EQ(smoothed_loss(bowl, x, {}, {.sigma = 0, .draws = 1}).loss.value, 0.5);
}

TEST(SmoothedLoss, Refuses) {
  EXPECT_EQ(error_of<UsageError>([] { in_turn({}); }), "there are no directions");
  const auto none = [](const at::Tensor&) { return std::nan(""); };
  const auto error = [&](const SmoothedLossOptions& options) {
    return error_of<UsageError>([&] { smoothed_loss(none, vec({0}), {}, options); });
  };
  EXPECT_EQ(error({.sigma = -1}), "sigma must be at least 0, got -1");
  EXPECT_EQ(error({.step = 0}), "step must be above 0, got 0");
  EXPECT_EQ(error({.draws = 0}), "draws must be at least 1, got 0");
  EXPECT_EQ(error({.sigma = 0.5}), "the loss is nan under noise of deviation 0.5");
}

struct Line : torch::nn::Module {
  Line() { fc = register_module("fc", torch::nn::Linear(4, 3)); }
  at::Tensor forward(const at::Tensor& x) { return fc(x.flatten(1)); }
  torch::nn::Linear fc{nullptr};
};

// Batches that hold every example once are the whole set; each has its own point.
TEST(BatchGradients, AreThoseOfTheirExamples) {
  auto data = std::make_shared<Dataset>();
  data->inputs = normals({12, 1, 2, 2}, 3, at::kFloat);
  data->targets = at::arange(12).remainder(3);
  data->classes = 3;
  data->mean = {0};
  data->stddev = {1};
  const auto make = [] { return wrap(std::make_shared<Line>()); };
  Objective objective(make, data, *data, {.threads = 1});
  const at::Tensor x = normals({15}, 1, at::kFloat), y = normals({15}, 2, at::kFloat);
  const std::vector<std::vector<int64_t>> batches = {{0, 5, 7, 11}, {1, 2, 3, 4}, {6, 8, 9, 10}};
  for (const int threads : {1, 2}) {
    BatchGradients gradients(make, data, *data, DecayRule::kAll, threads);
    EXPECT_TRUE(at::allclose(gradients.mean({x, x, x}, batches),
                             objective.gradient(x).gradient.to(at::kDouble), 1e-4, 1e-6));
    const at::Tensor apart =
        (gradients.mean({x}, {batches[0]}) + gradients.mean({y}, {batches[1]})) / 2;
    EXPECT_TRUE(at::allclose(gradients.mean({x, y}, {batches[0], batches[1]}), apart));
    EXPECT_FALSE(at::allclose(gradients.mean({x, x}, {batches[0], batches[1]}), apart));
  }
  BatchGradients gradients(make, data, *data, DecayRule::kAll, 1);
  EXPECT_EQ(error_of<UsageError>([&] {
              gradients.mean({x, y}, {batches[0]});
            }),
            "2 points for 1 mini-batches");
}

}  // namespace
}  // namespace valley::noise_figures_test
