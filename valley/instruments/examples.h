#pragma once

#include <cstdint>
#include <memory>

#include "valley/data/dataset.h"

/// On which examples an instrument takes the loss.
namespace valley {

/// All of a data set, or a balanced part: `samples` examples drawn from `seed`; 0: all.
std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           int64_t samples, int64_t seed);

}  // namespace valley
