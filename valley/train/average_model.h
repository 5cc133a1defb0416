#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/train/evaluation.h"

namespace valley {

class WorkerGenerator;

/// The average of all workers, x_A = sum_m x_m / M: the model that a run is judged by, and leaves.
/// Every member but save() is called by all workers together. What a model draws meanwhile
/// (dropout, when BatchNorm's statistics are gathered) leaves no trace in this worker's random
/// numbers.
class AverageModel {
 public:
  AverageModel(Communicator& comm, Model& model, const FlatParameters& parameters, DataSplits data,
               const Task& task, const EvaluationOptions& options, WorkerGenerator& generator);

  /// x_A [d] of workers at `x`, each at its own. Cost: an all-reduce of d values.
  at::Tensor weights(const at::Tensor& x) const;

  /// BatchNorm's statistics re-estimated for the weights `x`, in the order of FlatParameters; empty
  /// for a model without buffers. The model stays as it is.
  at::Tensor buffers_at(const at::Tensor& x) const;

  /// Scores of x_A of workers at `x`; the model stays as it is. `train_bytes`: this worker's, see
  /// Evaluation.
  Evaluation evaluate(const at::Tensor& x, int64_t train_bytes) const;

  /// The same, and the model becomes the average.
  Evaluation adopt(const at::Tensor& x, int64_t train_bytes);

  /// The model as it stands, as safetensors under the names of PyTorch's state_dict. By one worker.
  /// @throws IoError
  void save(const std::string& path, const std::string& model_name) const;

 private:
  Evaluation meet(const at::Tensor& x, int64_t train_bytes, at::Tensor& mean) const;
  void score(Evaluation& evaluation) const;

  Communicator& comm_;
  Model& model_;
  const FlatParameters& parameters_;
  DataSplits data_;
  const Task& task_;
  EvaluationOptions options_;
  WorkerGenerator& generator_;
};

}  // namespace valley
