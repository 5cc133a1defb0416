#include "valley/analysis/live_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "valley/analysis/batch_gradients.h"
#include "valley/analysis/effective_rate.h"
#include "valley/analysis/figures.h"
#include "valley/analysis/objective.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/data/loader.h"
#include "valley/instruments/figures_json.h"
#include "valley/models/wrap.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::live_probe_test {
namespace {

constexpr int64_t kExamples = 26, kBatch = 4, kDraws = 3;

struct Net : torch::nn::Module {
  Net() {
    bn = register_module("bn", torch::nn::BatchNorm1d(4));
    fc = register_module("fc", torch::nn::Linear(4, 3));
    to(at::kDouble);
  }
  at::Tensor forward(const at::Tensor& x) { return fc(bn(x.flatten(1).to(at::kDouble))); }
  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear fc{nullptr};
};

std::unique_ptr<Model> make_net() { return wrap(std::make_shared<Net>()); }

std::shared_ptr<const Dataset> examples() {
  auto data = std::make_shared<Dataset>();
  data->inputs = normals({kExamples, 1, 2, 2}, 3, at::kFloat);
  data->targets = at::arange(kExamples).remainder(3);
  data->classes = 3;
  data->mean = {0};
  data->stddev = {1};
  return data;
}

// Workers around an average, and the buffers there.
struct Workers {
  explicit Workers(int count, double distance = 0.3) {
    for (int m = 0; m < count; ++m) {
      x.push_back(normals({23}, 1) + distance * normals({23}, static_cast<uint64_t>(10 + m)));
    }
    average = at::zeros_like(x[0]);
    for (const at::Tensor& worker : x) average += worker / count;
    for (at::Tensor& worker : x) {
      if (distance == 0) worker = average;
    }
  }
  std::vector<at::Tensor> x;
  at::Tensor average;
  at::Tensor buffers = normals({9}, 4).abs() + 0.5;  // of Net, all in float64
};

struct Result {
  Json figures;
  double passes = 0;
};

Result measure(const Workers& workers, const LiveProbeOptions& options,
               const Partition& partition = {}, const std::string& backend = "thread") {
  const int count = static_cast<int>(workers.x.size());
  std::vector<Result> results(workers.x.size());
  run_ranks(
      count,
      [&](Communicator& comm) {
        const auto rank = static_cast<size_t>(comm.rank());
        const auto data = examples();
        LiveProbe probe(comm, make_net, {.data = data, .partition = partition}, *data, options);
        const LivePoint point{.x = workers.x[rank],
                              .average = workers.average,
                              .learning_rate = 0.5,
                              .pull = 0.1,
                              .push = 0.6,
                              .buffers = [&] { return workers.buffers; }};
        results[rank].figures = to_json(probe.measure(point));
        results[rank].passes = probe.passes();
        // The same at every call.
        EXPECT_EQ(to_json(probe.measure(point)), results[rank].figures);
      },
      backend);
  for (const Result& result : results) EXPECT_EQ(result.figures, results[0].figures);
  return results[0];
}

LiveProbeOptions options() { return {.draws = kDraws, .batch_size = kBatch, .seed = 7}; }

void expect_near(const Json& actual, const Json& expected, const std::string& path = "") {
  ASSERT_EQ(actual.type(), expected.type()) << path;
  if (expected.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(actual.contains(key)) << path << "/" << key;
      expect_near(actual[key], value, path + "/" + key);
    }
  } else if (expected.is_array()) {
    ASSERT_EQ(actual.size(), expected.size()) << path;
    for (size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i], expected[i], path + "/" + std::to_string(i));
    }
  } else if (expected.is_number()) {
    const double value = expected.get<double>();
    EXPECT_NEAR(actual.get<double>(), value, 1e-7 * (1 + std::abs(value))) << path;
  } else {
    EXPECT_EQ(actual, expected) << path;
  }
}

// What one alone computes who knows the weights of all.
Json expected_of(const Workers& workers, const Partition& partition = {}) {
  const int count = static_cast<int>(workers.x.size());
  const auto data = examples();
  Objective objective(make_net, data, *data, {.threads = 1});
  BatchGradients gradients(make_net, data, *data, DecayRule::kAll, 1);
  objective.set_buffers(workers.buffers);
  const WorkerSpread spread = spread_of_workers(workers.average, workers.x);
  Json json = to_json(spread_figures(spread, 23));
  json["loss"] = objective.loss(workers.average);
  for (const at::Tensor& x : workers.x) json["losses"].push_back(objective.loss(x));
  const at::Tensor statistics = gradients.statistics_at(workers.average);
  std::vector<at::Tensor> own;
  for (const at::Tensor& x : workers.x) own.push_back(gradients.statistics_at(x));
  objective.set_buffers(statistics);
  const at::Tensor g = objective.gradient(workers.average).gradient;
  objective.set_buffers(workers.buffers);
  json["gradient_norm"] = g.norm().item<double>();
  std::vector<StepParts> steps;
  for (int64_t k = 0; k < kDraws; ++k) {
    std::vector<std::vector<int64_t>> batches;
    for (int m = 0; m < count; ++m) {
      Sampler sampler(
          {.examples = kExamples, .batch_size = kBatch, .rank = m, .workers = count, .seed = 7},
          partition);
      const auto batch = sampler.batch(k * sampler.steps_per_epoch());
      batches.emplace_back(batch.begin(), batch.end());
    }
    const std::vector<at::Tensor> center(workers.x.size(), workers.average);
    steps.push_back(
        step_parts(g, gradients.mean(center, batches, std::vector(workers.x.size(), statistics)),
                   gradients.mean(workers.x, batches, own)));
  }
  json["effective_rate"] = to_json(
      RateFigures{.parts = effective_rate(steps), .learning_rate = 0.5, .batch_size = kBatch});
  if (!spread.has_directions()) return json;
  const auto towards = directions_of(spread, workers.average, workers.x);
  json["smoothed"] =
      to_json(smoothed_figures([&](const at::Tensor& x) { return objective.loss(x); },
                               {.average = workers.average,
                                .gradient = g,
                                .towards = in_turn(towards),
                                .directions = static_cast<int64_t>(towards.size()),
                                .sigma = std::sqrt(spread.variance / 23),
                                .draws = kDraws,
                                .seed = 7}));
  return json;
}

TEST(LiveProbe, WorkersTogetherFindWhatOneAloneDoes) {
  for (const int count : {1, 2, 3, 4}) {
    SCOPED_TRACE(count);
    const Workers workers(count);
    const Result result = measure(workers, options());
    expect_near(result.figures, expected_of(workers));
    const double m = count, curves = count == 1 ? 0 : 3 + 3 * m + 5 * kDraws;
    EXPECT_NEAR(result.passes, 4 + m + 6 * m * kBatch * kDraws / kExamples + 2 * m + curves, 1e-9);
    EXPECT_EQ(result.figures.contains("smoothed"), count > 1);
  }
}

TEST(LiveProbe, LeavesOutTheSmoothedLossAlone) {
  const Workers workers(3);
  LiveProbeOptions without = options();
  without.smoothed = false;
  const Result result = measure(workers, without);
  Json expected = expected_of(workers);
  expected.erase("smoothed");
  expect_near(result.figures, expected);
  EXPECT_FALSE(result.figures.contains("smoothed"));
  EXPECT_NEAR(result.passes, 4 + 3 + 6.0 * 3 * kBatch * kDraws / kExamples + 2 * 3, 1e-9);
}

// What follows does not see how long the rows before BatchNorm are.
struct Scaled : torch::nn::Module {
  Scaled() {
    first = register_module("first", torch::nn::Linear(4, 5));
    bn = register_module("bn", torch::nn::BatchNorm1d(5));
    last = register_module("last", torch::nn::Linear(5, 3));
    to(at::kDouble);
  }
  at::Tensor forward(const at::Tensor& x) {
    return last(bn(first(x.flatten(1).to(at::kDouble)) * 100));
  }
  torch::nn::Linear first{nullptr};
  torch::nn::BatchNorm1d bn{nullptr};
  torch::nn::Linear last{nullptr};
};

TEST(BatchGradients, HaveTheStatisticsOfTheirOwnPoint) {
  const auto data = examples();
  BatchGradients gradients([] { return wrap(std::make_shared<Scaled>()); }, data, *data,
                           DecayRule::kAll, 2);
  const int64_t before = 4 * 5 + 5, size = before + 5 + 5 + 5 * 3 + 3;
  const at::Tensor average = normals({size}, 1), longer = average.clone();
  longer.narrow(0, 0, before).mul_(1.5);
  const std::vector<std::vector<int64_t>> batch = {{0, 1, 2, 3, 4, 5}};
  const at::Tensor there = gradients.statistics_at(average);
  const at::Tensor own = gradients.statistics_at(longer);
  const at::Tensor at_average = gradients.mean({average}, batch, {there});
  const auto away = [&](const at::Tensor& statistics) {
    const at::Tensor zeta = gradients.mean({longer}, batch, {statistics}) - at_average;
    return zeta.narrow(0, before, size - before).norm().item<double>();
  };
  EXPECT_LT(away(own), 1e-4);  // BatchNorm's epsilon
  EXPECT_GT(away(there), 0.1);
  // Nothing of it stays.
  EXPECT_EQ(away(own), away(own));
  EXPECT_TRUE(at::equal(gradients.statistics_at(average), there));
}

TEST(LiveProbe, OfProcessesIsThatOfThreads) {
  const Workers workers(3);
  expect_near(measure(workers, options(), {}, "gloo").figures, expected_of(workers));
}

TEST(LiveProbe, TakesMiniBatchesOfAWorkersOwnExamples) {
  Partition partition(2);
  for (int64_t i = 0; i < kExamples; ++i) partition[i < 9 ? 0 : 1].push_back(i);
  const Workers workers(2);
  const Json figures = measure(workers, options(), partition).figures;
  expect_near(figures, expected_of(workers, partition));
  EXPECT_NE(figures["effective_rate"], measure(workers, options()).figures["effective_rate"]);
}

TEST(LiveProbe, KnowsWidthAndForces) {
  Workers workers(2);
  workers.average = at::zeros_like(workers.average);
  workers.x = {at::zeros_like(workers.average), at::zeros_like(workers.average)};
  workers.x[0][0] = 3, workers.x[1][1] = 4;
  // Without draws neither a model nor an example is asked for.
  std::vector<Json> figures(2);
  run_ranks(2, [&](Communicator& comm) {
    const auto never = []() -> std::unique_ptr<Model> { throw std::logic_error("no model"); };
    LiveProbe probe(comm, never, {}, {}, {.draws = 0});
    figures[comm.rank()] = to_json(probe.measure(
        {.x = workers.x[comm.rank()], .average = workers.average, .pull = 0.1, .push = 0.6}));
    EXPECT_EQ(probe.passes(), 0);
    EXPECT_FALSE(probe.measure({.x = workers.x[comm.rank()], .average = workers.average}).forces);
  });
  EXPECT_EQ(figures[0], figures[1]);
  expect_near(figures[0], {{"width", 3.5},
                           {"distances", {3.0, 4.0}},
                           {"sigma_w_squared", 12.5},
                           {"consensus_distance", std::sqrt(12.5)},
                           {"sigma_per_parameter", std::sqrt(12.5 / 23)},
                           {"angle_mean", 90.0},
                           {"pull_length", 0.35},
                           {"push_length", 0.6},
                           {"potential", 0.05 * 25 - 0.6 * 7},
                           {"lowest_potential", -3.6}});
  EXPECT_FALSE(figures[0].contains("loss"));
}

TEST(LiveProbe, OfWorkersThatAreTogetherHasNoDirections) {
  const Workers workers(3, /*distance=*/0);
  const Json figures = measure(workers, options()).figures;
  expect_near(figures, expected_of(workers));
  EXPECT_FALSE(figures.contains("smoothed"));
  EXPECT_FALSE(figures.contains("angle_mean"));
  EXPECT_EQ(figures["effective_rate"]["zeta_2_squared"]["value"], 0);
}

// A run that leaves the numbers ends by itself, not by its probe.
TEST(LiveProbe, OfNoNumbersIsNoError) {
  Workers workers(2);
  workers.x[1][4] = std::numeric_limits<double>::quiet_NaN();
  const Json one = measure(workers, options()).figures;
  EXPECT_TRUE(one["width"].is_null());
  EXPECT_TRUE(one["losses"][1].is_null());
  EXPECT_TRUE(one["effective_rate"]["alpha_e_over_alpha"]["value"].is_null());
  workers.average[4] = std::numeric_limits<double>::quiet_NaN();
  const Json all = measure(workers, options()).figures;
  EXPECT_TRUE(all["loss"].is_null());
  EXPECT_EQ(all["note"], "the loss of the average is not finite");
}

TEST(LiveProbe, WantsTwoDrawsForAnError) {
  run_ranks(1, [](Communicator& comm) {
    EXPECT_EQ(error_of<UsageError>([&] { LiveProbe(comm, make_net, {}, {}, {.draws = 1}); }),
              "draws must be 0 or at least 2, got 1");
  });
}

}  // namespace
}  // namespace valley::live_probe_test
