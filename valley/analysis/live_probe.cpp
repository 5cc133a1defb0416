#include "valley/analysis/live_probe.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "valley/analysis/batch_gradients.h"
#include "valley/analysis/effective_rate.h"
#include "valley/analysis/figures.h"
#include "valley/analysis/length.h"
#include "valley/analysis/objective.h"
#include "valley/core/error.h"
#include "valley/data/loader.h"
#include "valley/data/subset.h"

namespace valley {
namespace {

// So many values of all workers' weights are looked at together.
constexpr int64_t kChunk = 1 << 16;

// This worker's part of the examples, in one piece.
std::shared_ptr<const Dataset> part_of(const Dataset& data, const Communicator& comm) {
  const int64_t begin = data.size() * comm.rank() / comm.size();
  const int64_t end = data.size() * (comm.rank() + 1) / comm.size();
  return subset_of(data, at::arange(begin, end));
}

}  // namespace

struct LiveProbe::Share {
  Share(const Communicator& comm, const MakeModel& make_model, const TrainingSample& sample,
        const Dataset& statistics, const LiveProbeOptions& o)
      : examples(sample.data->size()),
        objective(make_model, part_of(*sample.data, comm), statistics,
                  {.threads = o.threads, .decay_rule = o.decay_rule, .task = o.task}),
        weight(static_cast<double>(objective.examples()) / static_cast<double>(examples)),
        sampler({.examples = examples,
                 .batch_size = o.batch_size,
                 .rank = comm.rank(),
                 .workers = comm.size(),
                 .seed = o.seed},
                sample.partition),
        gradients(make_model, sample.data, statistics, o.decay_rule, /*threads=*/1, *o.task) {}

  int64_t examples;  // of all workers
  Objective objective;
  double weight;  // of this worker's examples in a mean over all
  Sampler sampler;
  BatchGradients gradients;
};

LiveProbe::LiveProbe(Communicator& comm, const MakeModel& make_model, const TrainingSample& sample,
                     const Dataset& statistics, const LiveProbeOptions& options)
    : comm_(comm), o_(options) {
  require(o_.draws == 0 || o_.draws >= 2, "draws must be 0 or at least 2, got {}", o_.draws);
  if (o_.draws > 0) share_ = std::make_unique<Share>(comm, make_model, sample, statistics, o_);
}

LiveProbe::~LiveProbe() = default;

LiveFigures LiveProbe::measure(const LivePoint& point) {
  const c10::NoGradGuard no_grad;
  passes_ = 0;
  const WorkerSpread spread = this->spread(point);
  LiveFigures figures{.spread = spread_figures(spread, point.x.numel())};
  for (const double r : spread.distances) figures.width += r / static_cast<double>(comm_.size());
  if (point.pull > 0 || point.push > 0) {
    const auto& [alpha, lambda] = std::pair(point.pull, point.push);
    figures.forces = {.pull_length = alpha * figures.width,
                      .push_length = lambda,
                      .potential = pull_push_potential(spread.distances, alpha, lambda),
                      .lowest_potential = lowest_potential(comm_.size(), alpha, lambda)};
  }
  if (share_) add_noise(point, spread, figures);
  return figures;
}

// The products of all workers' d_m = x_m - x_A, a stretch of them at a time: nobody has room for
// the weights of all. Each worker adds up the products with its own.
WorkerSpread LiveProbe::spread(const LivePoint& point) const {
  at::Tensor own = at::zeros({comm_.size()}, point.x.options().dtype(at::kDouble));
  for (int64_t begin = 0; begin < point.x.numel(); begin += kChunk) {
    const int64_t size = std::min(kChunk, point.x.numel() - begin);
    const at::Tensor away =
        at::sub(point.x.narrow(0, begin, size), point.average.narrow(0, begin, size));
    own.add_(comm_.all_gather(away).to(at::kDouble).mv(away.to(at::kDouble)));
  }
  return spread_of_products(comm_.all_gather(own), length(point.average));
}

// From here on every number is the same on all workers, so that all go the same way.
void LiveProbe::add_noise(const LivePoint& point, const WorkerSpread& spread,
                          LiveFigures& figures) {
  const at::Tensor buffers = point.buffers();
  share_->objective.set_buffers(buffers);
  const double at_average = loss(point.average);
  figures.losses = {.average = at_average, .workers = losses_of_workers(point)};
  if (!std::isfinite(at_average)) {
    figures.note = "the loss of the average is not finite";
    return;
  }
  const at::Tensor statistics = statistics_at(point.average);
  if (statistics.defined()) share_->objective.set_buffers(statistics);
  const at::Tensor g = gradient(point.average);
  share_->objective.set_buffers(buffers);
  const double norm = length(g);
  figures.gradient_norm = norm;
  if (std::isfinite(norm) && norm > 0) figures.rate = rate(point, g, statistics);
  if (!o_.smoothed) return;
  const double sigma = std::sqrt(spread.variance / static_cast<double>(point.x.numel()));
  if (spread.has_directions() && std::isfinite(sigma)) {
    figures.smoothed = smoothed(point, spread, g, sigma);
  }
}

double LiveProbe::loss(const at::Tensor& x) {
  ++passes_;
  const double share = share_->weight * share_->objective.loss(x);
  at::Tensor mean = at::full({1}, share, x.options().dtype(at::kDouble));
  comm_.all_reduce_sum(mean, mean);
  return mean.item<double>();
}

std::vector<double> LiveProbe::losses_of_workers(const LivePoint& point) {
  std::vector<double> losses;
  for (int m = 0; m < comm_.size(); ++m) {
    at::Tensor x = m == comm_.rank() ? point.x.clone() : at::empty_like(point.x);
    comm_.broadcast(x, m);
    losses.push_back(loss(x));
  }
  return losses;
}

at::Tensor LiveProbe::gradient(const at::Tensor& x) {
  passes_ += 3;
  at::Tensor sum = share_->objective.gradient(x).gradient.to(at::kDouble) * share_->weight;
  comm_.all_reduce_sum(sum, sum);
  return sum.to(x.scalar_type());
}

// Every worker takes those at the average for itself, in the way of its own: where it stands there,
// both are the same.
at::Tensor LiveProbe::statistics_at(const at::Tensor& x) {
  at::Tensor statistics = share_->gradients.statistics_at(x);
  if (statistics.defined()) passes_ += comm_.size();
  return statistics;
}

RateFigures LiveProbe::rate(const LivePoint& point, const at::Tensor& gradient,
                            const at::Tensor& statistics) {
  const at::Tensor own = statistics_at(point.x);
  std::vector<StepParts> steps;
  size_t batch_size = 0;
  for (int64_t k = 0; k < o_.draws; ++k) {
    // The first of an epoch: epochs are independent of each other, their steps are not.
    const auto batch = share_->sampler.batch(k * share_->sampler.steps_per_epoch());
    const std::vector<int64_t> indices(batch.begin(), batch.end());
    const at::Tensor at_average = share_->gradients.mean({point.average}, {indices}, {statistics});
    const at::Tensor at_worker = share_->gradients.mean({point.x}, {indices}, {own});
    comm_.all_reduce_mean(at_average);
    comm_.all_reduce_mean(at_worker);
    steps.push_back(step_parts(gradient, at_average, at_worker));
    batch_size = indices.size();
    passes_ += 6.0 * static_cast<double>(batch_size) * comm_.size() /
               static_cast<double>(share_->examples);
  }
  return {.parts = effective_rate(steps),
          .learning_rate = point.learning_rate,
          .batch_size = static_cast<int64_t>(batch_size)};
}

SmoothedFigures LiveProbe::smoothed(const LivePoint& point, const WorkerSpread& spread,
                                    const at::Tensor& gradient, double sigma) {
  std::vector<int> away;  // the workers that have a direction
  for (int m = 0; m < comm_.size(); ++m) {
    if (spread.has_direction(static_cast<size_t>(m))) away.push_back(m);
  }
  const auto towards = [&](int64_t draw) {
    const int owner = away[static_cast<size_t>(draw) % away.size()];
    at::Tensor u = owner == comm_.rank() ? at::sub(point.x, point.average) / spread.distances[owner]
                                         : at::empty_like(point.x);
    comm_.broadcast(u, owner);
    return u;
  };
  return smoothed_figures([this](const at::Tensor& x) { return loss(x); },
                          {.average = point.average,
                           .gradient = gradient,
                           .towards = towards,
                           .directions = static_cast<int64_t>(away.size()),
                           .sigma = sigma,
                           .draws = o_.draws,
                           .seed = o_.seed});
}

}  // namespace valley
