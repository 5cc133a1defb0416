#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/analysis/figures.h"
#include "valley/analysis/spread.h"
#include "valley/comm/communicator.h"
#include "valley/data/training_sample.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/task/classification.h"

namespace valley {

struct LiveProbeOptions {
  int64_t draws = 5;        ///< of mini-batches and of noise, at least 2; 0: only the spread
  int64_t batch_size = 32;  ///< of the mini-batches
  uint64_t seed = 0;        ///< of both draws
  DecayRule decay_rule = DecayRule::kAll;  ///< gives the order of x
  int threads = 1;                         ///< of this worker
  const Task* task = &classification();    ///< whose loss it takes; not owned
  bool smoothed = true;  ///< the smoothed loss and the curvatures too, the larger part of the cost
};

/// What a worker shows of itself. All vectors [d], not to be written to.
struct LivePoint {
  at::Tensor x;              ///< its own weights x_m
  at::Tensor average;        ///< x_A, the same on all
  double learning_rate = 0;  ///< alpha of the step
  double pull = 0;           ///< of the last round; 0 with push 0: there was none
  double push = 0;
  std::function<at::Tensor()> buffers = {};  ///< of x_A; collective; called if losses are asked for
};

/// What they all find.
struct LiveFigures {
  double width = 0;  ///< mean_m r_m
  SpreadFigures spread = {};

  struct Forces {
    double pull_length = 0, push_length = 0;
    double potential = 0, lowest_potential = 0;
  };
  std::optional<Forces> forces = {};  ///< none before the first round, or without rounds

  struct Losses {
    double average = 0;
    std::vector<double> workers = {};  ///< [M]
  };
  std::optional<Losses> losses = {};         ///< none with draws = 0; nor what follows
  std::optional<double> gradient_norm = {};  ///< none where the loss of the average is not finite
  std::optional<RateFigures> rate = {};      ///< none without a gradient
  std::optional<SmoothedFigures> smoothed = {};
  std::string note = {};  ///< why something is missing; "" if nothing is
};

/// Measures workers that train, all of them together: what `valley dynamics` says of the end of a
/// run, at any moment. Each worker calls the same with its own weights, takes its share of the
/// examples, and gets the same figures.
///
/// All is computed on models of its own, and all draws depend on the seed alone: they are the same
/// at every call, so that two calls differ by the weights and not by luck, and equal those of
/// `valley dynamics` with the same examples, draws and seed.
///
/// Cost in forward passes over the examples, for M workers with mini-batches of B and n examples:
///
///     1 + 3                 loss and gradient at x_A
///     M                     losses of the workers
///     6 M B / n draws       mini-batches
///     3 + 3 M + 5 draws     smoothed loss and curvatures, unless `smoothed` is false
///     2 M                   BatchNorm's statistics at x_A and x_m, with which gradients are taken
///
/// A worker sends d values for the spread, (2 M + draws) d for losses and curvatures, and
/// (1 + 2 draws) d doubles for gradients. Memory: two models, 6 d values, the examples once.
class LiveProbe {
 public:
  using MakeModel = std::function<std::unique_ptr<Model>()>;

  /// `sample` is the same on all workers, with an example for each at least; `statistics` normalise
  /// the inputs: the training set. With draws = 0 neither a model is made nor an example kept.
  LiveProbe(Communicator& comm, const MakeModel& make_model, const TrainingSample& sample,
            const Dataset& statistics, const LiveProbeOptions& options);
  ~LiveProbe();

  /// A weight or loss that is not finite ends in figures that are no numbers and a note, never in
  /// an error. @throws CommError
  LiveFigures measure(const LivePoint& point);

  /// Over the examples, in the last measure(), by all workers together.
  double passes() const { return passes_; }

 private:
  struct Share;

  WorkerSpread spread(const LivePoint& point) const;
  void add_noise(const LivePoint& point, const WorkerSpread& spread, LiveFigures& figures);
  std::vector<double> losses_of_workers(const LivePoint& point);
  double loss(const at::Tensor& x);
  at::Tensor gradient(const at::Tensor& x);
  RateFigures rate(const LivePoint& point, const at::Tensor& gradient,
                   const at::Tensor& statistics);
  at::Tensor statistics_at(const at::Tensor& x);
  SmoothedFigures smoothed(const LivePoint& point, const WorkerSpread& spread,
                           const at::Tensor& gradient, double sigma);

  Communicator& comm_;
  LiveProbeOptions o_;
  std::unique_ptr<Share> share_;  // none with draws = 0
  double passes_ = 0;
};

}  // namespace valley
