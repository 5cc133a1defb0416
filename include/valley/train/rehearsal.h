#pragma once

#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/train/trainer.h"

namespace valley {

/// What can be seen of a model without running it: whether every tensor has a name and a type that
/// can be saved, if the run has a folder, and whether the examples to test have the shape of those
/// to train on. @throws UsageError
void check_unrun(Model& model, const DataSplits& data, const TrainOptions& options);

/// Asks of a model, before anything is done or written, what training would ask of it hours later:
///
/// - flat parameters of one type, float32 or float64, and what check_unrun() asks;
/// - in evaluation mode, an output that serves every target (Task::check), on the smallest batch
/// that
///   an evaluation will have;
/// - in train mode, the same where BatchNorm's statistics will be re-estimated;
/// - loss and gradient of the smallest training batch: the last of an epoch under Tail::kKeep.
///
///     valley::rehearse(*make_my_model(), data, options, workers);
///
/// The model is there to be tried and no more: its parameters move into flat storage, its buffers
/// and whatever a forward pass changes are not put back. So training begins with another one, like
/// it. LibTorch's generator of this process is left as it was.
///
/// Cost: a gradient and at most two forward passes of such batches.
/// @throws UsageError, one line: what fails, on which batch, and what avoids it.
void rehearse(Model& model, const DataSplits& data, const TrainOptions& options, int workers);

}  // namespace valley
