#pragma once

#include <string>

#include "valley/algorithms/options.h"

namespace valley {

/// Nothing where `personal` is empty.
/// @throws UsageError if a method cannot have a personal part (personal.h): it takes the whole step
///     by itself, or its rounds are about what the optimizers remember.
void check_personal(const std::string& name, const AlgorithmOptions& options,
                    const std::string& personal);

}  // namespace valley
