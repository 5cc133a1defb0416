#include "valley/instruments/dynamics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/analysis/alignment.h"
#include "valley/analysis/batch_gradients.h"
#include "valley/analysis/draws.h"
#include "valley/analysis/effective_rate.h"
#include "valley/analysis/minimum.h"
#include "valley/analysis/smoothed_loss.h"
#include "valley/analysis/spread.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/data/training_sample.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/pass_meter.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"

namespace valley {
namespace {

constexpr size_t kCurvePoints = 2000;

// The examples that everything is measured on, and which of them each worker trained on.
TrainingSample sample_of(const FinishedRun& run, const DataSplits& data,
                         const DynamicsOptions& options) {
  try {
    return draw_training_sample(data.train, options.samples, static_cast<uint64_t>(options.seed),
                                to_partition(run.config()), run.workers(),
                                fmt::format("{}", Key{"samples"}));
  } catch (const UsageError& error) {
    throw UsageError(run.folder() + ": " + error.marked());
  }
}

// What every part of the work needs, and how far it is.
class Look {
 public:
  Look(const FinishedRun& run, const DynamicsOptions& options, int threads,
       const InstrumentWatch& watch)
      : run_(run),
        options_(options),
        seed_(static_cast<uint64_t>(options.seed)),
        data_(run.load_data()),
        weights_(run.load_weights(data_)),
        sample_(sample_of(run, data_, options)),
        workers_(static_cast<double>(run.workers())),
        passes_of_draw_(6 * workers_ * static_cast<double>(run.config().batch_size) /
                        static_cast<double>(sample_.data->size())),
        passes_of_loss_(options.batch_norm == BatchNormAt::kProbe ? 2 : 1),
        meter_(watch.progress, {at_average(), at_workers(), kOfGradient, of_rate(), of_smoothing(),
                                of_alignment()}),
        objective_([this] { return run_.make_model(data_); }, sample_.data, *data_.train,
                   {.threads = threads,
                    .decay_rule = run.decay_rule(),
                    .batch_norm = options.batch_norm,
                    .task = &run.task(),
                    .on_passes = [this, stop = watch.stop](double passes) {
                      if (stop != nullptr && *stop) throw Stopped{};
                      meter_.add(passes);
                    }}) {}

  DynamicsResult measure();

 private:
  // A gradient takes 3 passes.
  static constexpr double kOfGradient = 3;
  static constexpr double kOfProduct = 9;
  static constexpr int64_t kLanczosSteps = 60;

  double at_average() const { return passes_of_loss_; }
  double at_workers() const { return passes_of_loss_ * workers_; }
  // At the average and at each worker's own weights, over its mini-batch.
  double of_rate() const { return passes_of_draw_ * static_cast<double>(options_.draws); }
  double of_smoothing() const {
    return passes_of_loss_ * (3 * (1 + workers_) + 5 * static_cast<double>(options_.draws));
  }

  double of_alignment() const {
    const double products = static_cast<double>(kLanczosSteps + options_.draws) + workers_;
    return options_.eigenvectors > 0 ? kOfProduct * products : 0;
  }

  void look_at_average(DynamicsResult& result);
  void read_records(DynamicsResult& result, const std::vector<Json>& metrics);
  void look_at_spread(DynamicsResult& result, const WorkerSpread& spread, const Forces& forces);
  at::Tensor look_at_gradient(DynamicsResult& result);
  void look_at_rate(DynamicsResult& result, const at::Tensor& gradient);
  void look_at_smoothed_loss(DynamicsResult& result, const WorkerSpread& spread,
                             const at::Tensor& gradient);

  void look_at_alignment(DynamicsResult& result, const at::Tensor& gradient);

  // Those that BatchNorm takes gradients with at a point: of the examples there.
  at::Tensor statistics_at(const at::Tensor& x, double& passes);
  at::Tensor whole_gradient();

  const FinishedRun& run_;
  const DynamicsOptions& options_;
  uint64_t seed_;
  DataSplits data_;
  RunWeights weights_;
  TrainingSample sample_;
  double workers_;
  double passes_of_draw_;
  double passes_of_loss_;  // 2 where BatchNorm's statistics are re-estimated first
  PassMeter meter_;
  Objective objective_;
  std::unique_ptr<BatchGradients> gradients_;
  at::Tensor statistics_at_average_;  // undefined without BatchNorm
  std::vector<at::Tensor> statistics_at_workers_;
};

void Look::look_at_average(DynamicsResult& result) {
  meter_.begin(at_average());
  const PointScores scores = objective_.scores(weights_.average);
  require_finite(scores.loss, run_);
  result.scores = scores.scores;
}

void Look::read_records(DynamicsResult& result, const std::vector<Json>& metrics) {
  for (const auto& curves : {dynamics_curves(metrics), probe_curves(metrics)}) {
    for (const DynamicsCurve& curve : curves) result.curves.push_back(thinned(curve, kCurvePoints));
  }
  result.rounds = recorded_rounds(metrics);
  if (result.rounds == 0)
    result.notes.push_back(result.run.algorithm + " has no rounds: no pull, push or potential");
}

void Look::look_at_spread(DynamicsResult& result, const WorkerSpread& spread,
                          const Forces& forces) {
  meter_.begin(at_workers());
  const double start = now_seconds();
  result.spread = {.figures = spread_figures(spread, weights_.average.numel()),
                   .forces = forces,
                   .losses = {},
                   .cost = {}};
  for (const at::Tensor& x : weights_.workers) result.spread.losses.push_back(objective_.loss(x));
  result.spread.cost = {at_workers(), now_seconds() - start};
  if (run_.workers() == 1) {
    result.notes.push_back("one worker: spread and angles need two");
  } else if (!spread.has_directions()) {
    result.notes.push_back(
        "all workers are at the average: no angles, and nothing that a spread adds");
  }
}

at::Tensor Look::statistics_at(const at::Tensor& x, double& passes) {
  at::Tensor statistics = gradients_->statistics_at(x);
  if (statistics.defined()) {
    ++passes;
    meter_.add(1);
  }
  return statistics;
}

// That of the loss at the average, taken as those of the mini-batches are.
at::Tensor Look::whole_gradient() {
  if (!statistics_at_average_.defined()) return objective_.gradient(weights_.average).gradient;
  const auto model = run_.make_model(data_);
  const at::Tensor before =
      FlatParameters(model->parameters(), model->buffers(), run_.decay_rule()).buffers();
  objective_.set_buffers(statistics_at_average_);
  at::Tensor gradient = objective_.gradient(weights_.average).gradient;
  objective_.set_buffers(before);
  return gradient;
}

at::Tensor Look::look_at_gradient(DynamicsResult& result) {
  meter_.begin(kOfGradient);
  const double start = now_seconds();
  gradients_ = std::make_unique<BatchGradients>(
      [this] { return run_.make_model(data_); }, sample_.data, *data_.train, run_.decay_rule(),
      std::min(objective_.threads(), run_.workers()), run_.task());
  double passes = kOfGradient;
  statistics_at_average_ = statistics_at(weights_.average, passes);
  for (const at::Tensor& x : weights_.workers) {
    statistics_at_workers_.push_back(statistics_at(x, passes));
  }
  at::Tensor gradient = whole_gradient();
  result.gradient = {.norm = gradient.to(at::kDouble).norm().item<double>(),
                     .cost = {passes, now_seconds() - start}};
  return gradient;
}

void Look::look_at_rate(DynamicsResult& result, const at::Tensor& gradient) {
  const bool has_gradient = result.gradient.norm > 0;
  meter_.begin(has_gradient ? of_rate() : 0);
  if (!has_gradient) {
    result.notes.push_back("the gradient at the average is 0: no effective learning rate");
    return;
  }
  const double start = now_seconds();
  const auto count = static_cast<size_t>(run_.workers());
  std::vector<Sampler> samplers;
  for (int m = 0; m < run_.workers(); ++m) {
    samplers.emplace_back(SamplerOptions{.examples = sample_.data->size(),
                                         .batch_size = run_.config().batch_size,
                                         .rank = m,
                                         .workers = run_.workers(),
                                         .seed = seed_},
                          sample_.partition);
  }
  const std::vector<at::Tensor> center(count, weights_.average);
  const std::vector<at::Tensor> statistics(count, statistics_at_average_);
  std::vector<StepParts> steps;
  size_t batch_size = 0;
  for (int64_t k = 0; k < options_.draws; ++k) {
    std::vector<std::vector<int64_t>> batches;
    for (Sampler& sampler : samplers) {
      // The first of an epoch: epochs are independent of each other, their steps are not.
      const auto batch = sampler.batch(k * sampler.steps_per_epoch());
      batches.emplace_back(batch.begin(), batch.end());
    }
    batch_size = batches.front().size();
    steps.push_back(
        step_parts(gradient, gradients_->mean(center, batches, statistics),
                   gradients_->mean(weights_.workers, batches, statistics_at_workers_)));
    meter_.add(passes_of_draw_);
  }
  result.rate = {.figures = {.parts = effective_rate(steps),
                             .learning_rate = run_.config().learning_rate.base,
                             .batch_size = static_cast<int64_t>(batch_size)},
                 .draws = options_.draws,
                 .cost = {of_rate(), now_seconds() - start}};
}

// The loss and the smoothed loss, and how both bend along the gradient and towards the workers.
void Look::look_at_smoothed_loss(DynamicsResult& result, const WorkerSpread& spread,
                                 const at::Tensor& gradient) {
  const double sigma = options_.sigma > 0        ? options_.sigma
                       : spread.has_directions() ? result.spread.figures.sigma_per_parameter
                                                 : 0;
  meter_.begin(sigma > 0 ? of_smoothing() : 0);
  if (!(sigma > 0)) {
    result.notes.push_back("no spread to smooth the loss with: give sigma");
    return;
  }
  const double start = now_seconds();
  double passes = 0;
  const auto loss = [&](const at::Tensor& x) {
    passes += passes_of_loss_;
    return objective_.loss(x);
  };
  const std::vector<at::Tensor> towards = directions_of(spread, weights_.average, weights_.workers);
  SmoothedFigures figures =
      smoothed_figures(loss, {.average = weights_.average,
                              .gradient = gradient,
                              .towards = towards.empty() ? Directions() : in_turn(towards),
                              .directions = static_cast<int64_t>(towards.size()),
                              .sigma = sigma,
                              .draws = options_.draws,
                              .seed = seed_});
  if (!figures.note.empty()) result.notes.push_back("smoothed loss: " + figures.note);
  result.smoothed = {.figures = std::move(figures), .cost = {passes, now_seconds() - start}};
}

// Whether the gaps point where the loss bends most.
void Look::look_at_alignment(DynamicsResult& result, const at::Tensor& gradient) {
  meter_.begin(of_alignment());
  if (options_.eigenvectors == 0) return;
  const double start = now_seconds();
  const MinimumData minimum = minimum_of(objective_, weights_.average, weights_.workers, {});
  std::vector<at::Tensor> gaps;
  for (const at::Tensor& x : weights_.workers) gaps.push_back(x - weights_.average);
  SharpDirections sharp =
      sharp_directions(minimum.products, draw_normals(weights_.average, seed_, "lanczos", 0),
                       std::min(kLanczosSteps, weights_.average.numel()), options_.eigenvectors);
  result.alignment = {.figures = alignment(minimum.products, std::move(sharp), gaps, gradient,
                                           options_.draws, seed_),
                      .cost = {of_alignment(), now_seconds() - start}};
}

DynamicsResult Look::measure() {
  DynamicsResult result{.run = facts_of(run_),
                        .options = options_,
                        .parameters = objective_.size(),
                        .examples = sample_.data->size(),
                        .training_examples = data_.train->size()};
  const auto metrics = read_metrics(std::filesystem::path(run_.folder()) / RunFolder::kMetrics);
  look_at_average(result);
  read_records(result, metrics);
  const WorkerSpread spread = spread_of_workers(weights_.average, weights_.workers);
  look_at_spread(result, spread, last_forces(metrics));
  const at::Tensor gradient = look_at_gradient(result);
  look_at_rate(result, gradient);
  look_at_smoothed_loss(result, spread, gradient);
  look_at_alignment(result, gradient);
  meter_.finish();
  return result;
}

}  // namespace

DynamicsResult measure_dynamics(const FinishedRun& run, const DynamicsOptions& options, int threads,
                                const InstrumentWatch& watch) {
  check(options);
  const double start = now_seconds();
  DynamicsResult result = Look(run, options, threads, watch).measure();
  result.seconds = now_seconds() - start;
  return result;
}

}  // namespace valley
