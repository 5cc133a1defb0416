#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/evaluation/options.h"
#include "valley/models/model.h"
#include "valley/task/classification.h"

namespace valley {

/// The share of every class among so many examples, [C], which sum to 1; empty where examples have
/// no classes. `targets` as a Dataset has them.
std::vector<double> class_mix(const at::Tensor& targets, int64_t classes);

/// The task's scores of the model's present parameters on a data set whose classes are weighed, in
/// eval mode (the model is left in train mode): what they would be in the mean of examples of which
/// a share p_c is of class c,
///
///     score = sum_c p_c (mean over the examples of class c)
///
/// Classes without an example are left out, and the others' shares sum to 1 again. With an empty
/// mix all examples count the same, as in evaluate(). So a worker that sees some classes alone is
/// judged by these, on examples that nobody trained on, without a part of the test set of its own.
///
/// By one worker, and no other takes part. Cost: a forward pass of the examples of the classes in
/// the mix. @throws ModelError; UsageError if no class of the mix has an example.
Scores evaluate_mix(Model& model, const std::shared_ptr<const Dataset>& data,
                    const Dataset& statistics, const std::vector<double>& mix,
                    const EvaluationOptions& options = {}, const Task& task = classification());

}  // namespace valley
