#pragma once

#include <memory>

#include "valley/comm/communicator.h"
#include "valley/data/dataset.h"
#include "valley/evaluation/options.h"
#include "valley/models/model.h"
#include "valley/task/classification.h"

namespace valley {

/// The task's scores of the model's present parameters on a whole data set, in eval mode (the
/// model is left in train mode). The batches are dealt over the workers, each of which must hold
/// the same parameters; the sums are in double, so the result does not depend on their number
/// beyond rounding.
///
/// With an attack they are the scores of the worst examples near those of the data, see attack.h:
/// the share of right answers is then the robust accuracy. Cost: its gradients beside.
///
/// `statistics` gives mean and deviation for the normalisation: the training set.
///
/// Cost: N / M forward passes a worker, one all-reduce of a value a score and
/// one. @throws ModelError
Scores evaluate(Model& model, const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                Communicator& comm, const EvaluationOptions& options = {},
                const Task& task = classification());

}  // namespace valley
