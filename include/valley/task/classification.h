#pragma once

#include "valley/task/task.h"

namespace valley {

/// One of C classes for every example: the output is logits [B, C], targets are [B] int64.
///
///     loss      mean_i -log softmax(logits_i)[y_i]    cross-entropy, in nats
///     accuracy  share of examples whose largest logit is the right one, in [0, 1]
///     chance    share of the commonest class, which is what always answering it scores
const Task& classification();

}  // namespace valley
