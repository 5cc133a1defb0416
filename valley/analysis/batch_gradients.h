#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/task/classification.h"

namespace valley {

/// Gradients of the mean loss of a task over single mini-batches at points given, as
/// training takes them, but with the model in eval mode and without augmentation: their mean over
/// batches that together hold every example once is Objective's gradient.
///
/// The mini-batches of a call are dealt over `threads` threads, each with a model of its own. Sums
/// are in double and in one order for a number of threads; that number changes them by rounding
/// only. Memory of a thread: a model and 8 d bytes.
class BatchGradients {
 public:
  using MakeModel = std::function<std::unique_ptr<Model>()>;

  /// `statistics` normalise the inputs: the training set. threads >= 1.
  BatchGradients(const MakeModel& make_model, std::shared_ptr<const Dataset> data,
                 const Dataset& statistics, DecayRule rule, int threads,
                 const Task& task = classification());
  ~BatchGradients();

  /// As Objective::set_buffers().
  void set_buffers(const at::Tensor& buffers);

  /// BatchNorm's statistics of all examples at x, as set_buffers() takes them; undefined for a
  /// model that has none. Cost: a forward pass.
  at::Tensor statistics_at(const at::Tensor& x);

  /// mean_j g_j(points[j]), g_j over the examples batches[j]: [d] double. With `statistics`, the
  /// j-th gradient has the j-th of them: a point that is far from where the statistics are from
  /// does not compute what it would in training.
  at::Tensor mean(const std::vector<at::Tensor>& points,
                  const std::vector<std::vector<int64_t>>& batches,
                  const std::vector<at::Tensor>& statistics = {});

 private:
  struct Replica;
  const Task& task_;
  std::shared_ptr<const Dataset> data_;
  std::vector<std::unique_ptr<Replica>> replicas_;
};

}  // namespace valley
