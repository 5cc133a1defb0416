#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/shared_part.h"
#include "valley/train/best_model.h"
#include "valley/train/evaluation.h"
#include "valley/train/running_average.h"

namespace valley {

class WorkerGenerator;

/// The average of all workers, x_A = sum_m x_m / M: the model that a run is judged by, and leaves;
/// or one over rounds, see average_options.h. Where workers keep parameters for themselves, x_A has
/// them from each, so that it is another model on every worker: each is scored on its own data (its
/// part of the training set; other examples weighed by its classes, see evaluate_mix()), and the
/// scores are the means over the workers. A run leaves worker 0's.
/// Every member but save() is called by all workers together. What a model draws meanwhile
/// (dropout, when BatchNorm's statistics are gathered) leaves no trace in this worker's random
/// numbers.
class AverageModel {
 public:
  /// @throws UsageError if the options choose by a validation set that is not there.
  AverageModel(Communicator& comm, Model& model, const FlatParameters& parameters,
               const SharedPart& shared, DataSplits data, const TrainOptions& options,
               WorkerGenerator& generator);

  /// x_A [d] of workers at `x`, each at its own. Cost: an all-reduce of what is shared.
  at::Tensor weights(const at::Tensor& x) const;

  /// BatchNorm's statistics re-estimated for the weights `x`, in the order of FlatParameters; empty
  /// for a model without buffers. The model stays as it is.
  at::Tensor buffers_at(const at::Tensor& x) const;

  /// Scores of x_A of workers at `x`; the model stays as it is. `train_bytes`: this worker's, see
  /// Evaluation. Where there is a validation set, it decides on the best model, and nobody looks at
  /// the test set. `step`: how many there were.
  Evaluation evaluate(const at::Tensor& x, int64_t train_bytes, int64_t step);

  /// The same, at the end: the model becomes the average, or the best one, if that is kept, and is
  /// scored on the test set.
  Evaluation adopt(const at::Tensor& x, int64_t train_bytes, int64_t step);

  /// Whether an evaluation is one to end a run at: by until_loss, or by patience.
  bool ends_run(const Evaluation& evaluation) const;

  BestModel& best() { return best_; }

  /// This worker's part of the average over rounds, where that is not plain: what is evaluated and
  /// adopted then.
  RunningAverage& running() { return running_; }

  /// The model as it stands, as safetensors under the names of PyTorch's state_dict. By one worker.
  /// @throws IoError
  void save(const std::string& path, const std::string& model_name) const;

 private:
  Evaluation meet(const at::Tensor& x, int64_t train_bytes, at::Tensor& mean) const;
  void score(Evaluation& evaluation) const;
  void score_test(Evaluation& evaluation) const;
  at::Tensor shared_of(const at::Tensor& x) const;
  at::Tensor with_own(const at::Tensor& mean, const at::Tensor& x) const;
  std::vector<Scores> of_all(const Scores& own) const;
  void become(const at::Tensor& x);

  Communicator& comm_;
  Model& model_;
  /// A worker's own data.
  struct Own {
    std::shared_ptr<const Dataset> train;
    std::vector<double> mix;  ///< of its classes
  };

  const FlatParameters& parameters_;
  const SharedPart& shared_;
  DataSplits data_;
  std::optional<Own> own_;
  const Task& task_;
  EvaluationOptions options_;
  double until_loss_;
  WorkerGenerator& generator_;
  BestModel best_;
  RunningAverage running_;
};

}  // namespace valley
