#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "valley/analysis/batch_norm_at.h"
#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/task/classification.h"

namespace valley {

struct ObjectiveOptions {
  int threads = 0;  ///< that share the batches, each a core and a model of its own; 0: one a core
  int64_t batch_size = 64;
  int64_t derivative_batch_size = 64;  ///< second derivatives keep a batch's whole graph in memory
  DecayRule decay_rule = DecayRule::kAll;  ///< gives the order of x
  BatchNormAt batch_norm = BatchNormAt::kModel;
  const Task* task = &classification();  ///< whose loss and scores it takes; not owned
  /// Told after every call how much it was, in forward passes over the data set: a loss is 1, a
  /// gradient 3, k products with the Hessian 3 + 6 k.
  std::function<void(double passes)> on_passes = {};
};

/// What a model says of a data set.
struct PointScores {
  double loss = 0;
  double error = 0;    ///< share of wrong answers; NaN where the task has none
  double entropy = 0;  ///< mean Shannon entropy of the predictions, -sum p log p, in nats;
                       ///< NaN where they are no distributions
  Scores scores = {};  ///< all of the task's
};

struct LossGradient {
  double loss = 0;
  at::Tensor gradient;  ///< [d]
};

/// The mean loss of a task over a data set as a function of one flat vector x [d], and its
/// derivatives. The model is in eval mode.
///
///     Objective objective([&] { return run.make_model(data); }, data.train, *data.train);
///     const double loss = objective.loss(x);
///     const LossGradient at = objective.gradient(x);
///     const at::Tensor hv = objective.hessian_products(x, {v}).front();       // H(x) v
///
/// Callers are one thread. A call deals the batches over `threads` threads of its own; sums over
/// batches are in double and in one order for a number of threads, so equal calls give equal bits,
/// and the number of threads changes the result by rounding only.
///
/// Products with the Hessian differentiate g . v once more (double backward); where one batch's
/// graph serves several vectors, ask for them together. BatchNorm's statistics are constants in
/// gradients and products.
///
/// Memory of a thread: a model, 8 d bytes for a gradient or for each product of a call, and the
/// graph of one batch, for products about three times what training on it keeps.
class Objective {
 public:
  using MakeModel = std::function<std::unique_ptr<Model>()>;

  /// `make_model` is called once a thread and must give equal models; `statistics` normalise the
  /// inputs: the training set. @throws UsageError if an option is out of range.
  Objective(const MakeModel& make_model, std::shared_ptr<const Dataset> data,
            const Dataset& statistics, ObjectiveOptions options = {});
  ~Objective();

  int64_t size() const;      ///< d
  int64_t examples() const;  ///< of the data set
  int threads() const;

  /// The parameters the models were made with, [d]; not to be written to.
  const at::Tensor& start() const;
  const std::vector<NamedRange>& ranges() const;

  /// Other BatchNorm statistics from now on: the floating-point buffers, in the order of
  /// FlatParameters.
  void set_buffers(const at::Tensor& buffers);

  double loss(const at::Tensor& x) { return scores(x).loss; }
  PointScores scores(const at::Tensor& x);
  LossGradient gradient(const at::Tensor& x);

  /// H(x) v for every v, each [d].
  /// @throws UsageError if the network has no second derivative in LibTorch.
  std::vector<at::Tensor> hessian_products(const at::Tensor& x, const std::vector<at::Tensor>& vs);

 private:
  struct Replica;

  // fn(replica, comm, sums) on every thread; the sums [rows, columns] added up.
  at::Tensor sum_over_threads(const at::Tensor& x, int64_t rows, int64_t columns,
                              const std::function<void(Replica&, Communicator&, at::Tensor&)>& fn);

  std::shared_ptr<const Dataset> data_;
  Dataset statistics_;
  ObjectiveOptions options_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace valley
