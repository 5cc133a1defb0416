#pragma once

#include "valley/task/classification_options.h"
#include "valley/task/task.h"

namespace valley {

/// One of C classes for every example: the output is logits [B, C], targets are [B] int64.
///
///     loss      mean_i -log softmax(logits_i)[y_i]    cross-entropy, in nats
///     accuracy  share of examples whose largest logit is the right one, in [0, 1]
///     chance    share of the commonest class, which is what always answering it scores
const Task& classification();

/// The same with another loss, which is that of PyTorch's CrossEntropyLoss: with l_ic = -log
/// softmax(logits_i)[c], weights w and label smoothing s,
///
///     loss    sum_i ((1 - s) w_{y_i} l_{i y_i} + s / C sum_c w_c l_ic) / sum_i w_{y_i}
///
/// The loss of a batch is divided by the weights of that batch; the score `loss` by those of all
/// examples. Two calls with equal options give the same task.
///
/// @throws UsageError for balanced weights: see balanced_by().
const Task& classification(const ClassificationOptions& options);

/// Balanced class weights settled by a training set's targets [N]: of N examples, N_c of class c,
///
///     w_c = N / (C N_c)          0 where there is none
///
/// so that all classes together weigh N, each as much as another. Other options stay as they are.
/// @throws UsageError if the targets are no classes.
ClassificationOptions balanced_by(ClassificationOptions options, const at::Tensor& targets,
                                  int64_t classes);

}  // namespace valley
