#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "valley/analysis/objective.h"
#include "valley/data/dataset.h"

/// On which examples an instrument takes the loss, and with which BatchNorm statistics.
namespace valley {

/// All of a data set, or a balanced part: `samples` examples drawn from `seed`; 0: all.
std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           int64_t samples, int64_t seed);

/// @throws UsageError if one is below 0.
void check_sample(int64_t samples, int64_t seed);

/// "average" (the statistics of the average model) or "probe" (re-estimated at every point).
std::string_view name(BatchNormAt at);

/// The inverse. @throws UsageError
BatchNormAt parse_batch_norm(const std::string& text);

}  // namespace valley
