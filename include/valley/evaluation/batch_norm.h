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
///     mean = sum_b n_b mean_b / N        var = sum_b n_b (var_b (n_b - 1) / n_b + mean_b^2) / N -
///     mean^2
///
/// in double, with n_b the layer's values a channel in batch b (examples times positions), N their
/// sum, and mean_b and var_b what BatchNorm keeps of the batch. Its var_b is unbiased, divided by
/// n_b - 1; the pooled variance is divided by N, as if all values were one batch. So the statistics
/// of what a layer is given are exact, however it is cut into batches and dealt over the workers.
/// Layers behind another BatchNorm are given what that one makes of a batch by the batch's own
/// statistics, as in training: there the size of the batches still tells, by about one part in n_b.
///
/// An average model needs this: its own statistics were never gathered while training, and the
/// average of the workers' is not right for it.
///
/// Works on any model whose buffers are named running_mean and running_var, TorchScript included:
/// the momentum m of each layer is read off two passes over one batch, since a pass turns a
/// running value v into (1 - m) v + m s; n_b is that of the call of LibTorch's batch_norm that
/// writes to them. Layers that do not update their statistics in train mode keep them. Where
/// something else writes to buffers of these names, n_b is the number of examples, and var_b counts
/// as it is. Does nothing for a model without such buffers.
///
/// Cost: N / M forward passes a worker and those of two batches, one all-reduce of 2 values per
/// normalised channel.
void reestimate_batch_norm(Model& model, const FlatParameters& parameters,
                           const std::shared_ptr<const Dataset>& train, Communicator& comm,
                           const EvaluationOptions& options = {});

}  // namespace valley
