#include "valley/instruments/landscape.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/instruments/examples.h"

namespace valley {

// One run, what of it is looked at, and with what.
struct Landscape::View {
  View(const FinishedRun& of, const LandscapeOptions& how, int threads)
      : run(of), options(how), data(of.load_data()), weights(of.load_weights(data)) {
    const auto& split = how.split == Split::kTrain ? data.train : data.test;
    objective = std::make_unique<Objective>([this] { return run.make_model(data); },
                                            examples_of(split, how.samples, how.seed), *data.train,
                                            ObjectiveOptions{.threads = threads,
                                                             .decay_rule = of.decay_rule(),
                                                             .batch_norm = how.batch_norm,
                                                             .task = &of.task()});
  }

  LandscapeFacts facts() const { return {facts_of(run), options, objective->examples()}; }
  Plane plane() const;
  std::vector<Survey::Stand> stands(const Plane& on) const;

  const FinishedRun& run;
  LandscapeOptions options;
  DataSplits data;
  RunWeights weights;
  std::unique_ptr<Objective> objective;
};

namespace {

std::vector<double> evenly(double low, double high, int64_t points) {
  std::vector<double> values;
  for (int64_t i = 0; i < points; ++i) {
    values.push_back(low + (high - low) * double(i) / double(points - 1));
  }
  return values;
}

// Takes the loss at one point after the other, and tells how far it is.
class Steps {
 public:
  Steps(Objective& objective, const InstrumentWatch& watch, int64_t total)
      : objective_(objective), watch_(watch), total_(total) {}

  PointScores look(const at::Tensor& x) {
    const PointScores scores = objective_.scores(x);
    ++done_;
    if (watch_.progress != nullptr) watch_.progress->update({.step = done_, .total_steps = total_});
    if (watch_.stop != nullptr && *watch_.stop) throw Stopped{};
    return scores;
  }

 private:
  Objective& objective_;
  const InstrumentWatch& watch_;
  int64_t total_, done_ = 0;
};

}  // namespace

Plane Landscape::View::plane() const {
  const auto& [average, workers, initial, ranges] = weights;
  std::vector<int> through = options.through;
  if (through.empty()) through = {0, 1, 2};
  const auto seed = static_cast<uint64_t>(options.seed);
  const PlaneKind kind = options.plane;
  try {
    if (kind == PlaneKind::kRandom) return random_plane(average, ranges, seed);
    if (kind == PlaneKind::kSpread) return plane_of_spread(average, workers, seed);
    require(workers.size() >= 3,
            "{} {} needs three workers, there are {} (two lie in one line with their average)",
            Key{"plane"}, name(kind), workers.size());
    return kind == PlaneKind::kWorkers
               ? plane_through_workers(workers, through[0], through[1], through[2])
               : plane_through_average(average, workers, through[0], through[1]);
  } catch (const UsageError& error) {
    const std::string remedy = kind == PlaneKind::kRandom ? std::string()
                               : workers.size() == 2 && kind != PlaneKind::kSpread
                                   ? fmt::format("; try {} spread or random", Key{"plane"})
                                   : fmt::format("; try {} random", Key{"plane"});
    throw UsageError(run.folder() + ": " + error.marked() + remedy);
  }
}

std::vector<Survey::Stand> Landscape::View::stands(const Plane& on) const {
  std::vector<Survey::Stand> result = {{"average", coordinates(on, weights.average)}};
  for (size_t m = 0; m < weights.workers.size(); ++m) {
    result.push_back({fmt::format("worker {}", m), coordinates(on, weights.workers[m])});
  }
  return result;
}

Landscape::Landscape(const FinishedRun& run, const LandscapeOptions& options, int threads)
    : view_((check(options), std::make_unique<View>(run, options, threads))),
      plane_(view_->plane()) {}

Landscape::~Landscape() = default;
Landscape::Landscape(Landscape&&) noexcept = default;

double Landscape::extent() const {
  if (view_->options.plane == PlaneKind::kRandom) return 1;
  double extent = 0;
  for (const Survey::Stand& stand : view_->stands(plane_)) {
    extent = std::max(extent, 2 * std::max(std::abs(stand.at.x), std::abs(stand.at.y)));
  }
  return extent;
}

Survey Landscape::survey(double extent, const InstrumentWatch& watch) {
  const double start = now_seconds();
  const RunWeights& weights = view_->weights;
  Survey survey{.facts = view_->facts(),
                .axes = plane_.axes,
                .axis = evenly(-extent, extent, view_->options.points),
                .loss = {},
                .error = {},
                .stands = view_->stands(plane_)};
  const size_t points = survey.axis.size() * survey.axis.size() + survey.stands.size();
  Steps steps(*view_->objective, watch, static_cast<int64_t>(points));
  for (size_t i = 0; i < survey.stands.size(); ++i) {
    const PointScores scores = steps.look(i == 0 ? weights.average : weights.workers[i - 1]);
    if (i == 0) require_finite(scores.loss, view_->run);
    survey.stands[i].loss = scores.loss;
    survey.stands[i].error = scores.error;
  }
  for (const double y : survey.axis) {
    survey.loss.emplace_back();
    survey.error.emplace_back();
    for (const double x : survey.axis) {
      const PointScores scores = steps.look(plane_.at(x, y));
      survey.loss.back().push_back(scores.loss);
      survey.error.back().push_back(scores.error);
    }
  }
  survey.seconds = now_seconds() - start;
  return survey;
}

Line cut(const FinishedRun& from, const FinishedRun& to, const LandscapeOptions& options,
         int threads, const InstrumentWatch& watch) {
  check(options);
  Landscape::View here(from, options, threads);
  const at::Tensor& a = here.weights.average;
  const at::Tensor b = to.load_weights(to.load_data()).average;
  require(a.sizes() == b.sizes() && from.summary().model == to.summary().model,
          "{} line needs two runs of one model, got {} and {}", Key{"plane"}, from.summary().model,
          to.summary().model);
  const at::Tensor way = b - a;
  Line line{.facts = here.facts(),
            .to = to.folder(),
            .distance = way.norm().item<double>(),
            .t = evenly(-0.25, 1.25, options.points),
            .loss = {},
            .error = {}};
  const auto at = [&](double t) { return t == 1 ? b : a + way * t; };
  line.loss_at_ends = {here.objective->loss(at(0)), here.objective->loss(at(1))};
  Steps steps(*here.objective, watch, options.points);
  for (const double t : line.t) {
    const PointScores scores = steps.look(at(t));
    line.loss.push_back(scores.loss);
    line.error.push_back(scores.error);
    const double above = scores.loss - ((1 - t) * line.loss_at_ends[0] + t * line.loss_at_ends[1]);
    if (0 < t && t < 1 && above > line.barrier) line.barrier = above, line.barrier_at = t;
  }
  return line;
}

}  // namespace valley
