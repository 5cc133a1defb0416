#pragma once

#include <memory>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/evaluation/evaluate.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"

namespace valley {

/// Replaces BatchNorm's running statistics by those of the whole training set under the present
/// parameters: forward passes in train mode over all batches, dealt over the workers and merged
///
///     mean = sum_b n_b mean_b / n        var = sum_b n_b (var_b + mean_b^2) / n - mean^2
///
/// in double, with mean_b and var_b what BatchNorm keeps of batch b (var_b is unbiased, divided by
/// its count less 1). The result is that of one worker that sees the same batches. An average model
/// needs this: its own statistics were never gathered while training, and the average of the
/// workers' is not right for it.
///
/// Works on any model whose buffers are named running_mean and running_var, TorchScript included:
/// the momentum m of each layer is read off two passes over one batch, since a pass turns a
/// running value v into (1 - m) v + m s. Layers that do not update their statistics in train mode
/// keep them. Does nothing for a model without such buffers.
///
/// Cost: N / M forward passes a worker and those of two batches, one all-reduce of 2 values per
/// normalised channel.
void reestimate_batch_norm(Model& model, const FlatParameters& parameters,
                           const std::shared_ptr<const Dataset>& train, Communicator& comm,
                           const EvaluationOptions& options = {});

}  // namespace valley
