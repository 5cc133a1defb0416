#pragma once

#include "valley/task/task.h"

namespace valley {

/// Any number of C labels for every example: the output is logits z [B, C], targets y are [B, C]
/// float32, 1 where example i has label c, else 0. Label c is answered where z_ic > 0.
///
///     loss         mean_ic -(y_ic log s(z_ic) + (1 - y_ic) log(1 - s(z_ic))),  s the logistic
///                  function: binary cross-entropy, in nats a label
///     f1           2 TP / (2 TP + FP + FN), counted over all labels of all examples (micro F1), in
///                  [0, 1]: the headline. 1 where there is nothing to find and nothing is answered
///     exact_match  share of examples whose labels are all right, in [0, 1]
///     chance       the f1 of the best answer that is the same for all: the k commonest labels, for
///                  the best k >= 1
const Task& multi_label();

}  // namespace valley
