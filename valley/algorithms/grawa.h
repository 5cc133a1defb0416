#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/pushed_rounds.h"
#include "valley/algorithms/weighted_mean.h"

namespace valley {

/// What mgrawa and lgrawa have in common: drawn towards a mean in which workers with small
/// gradients weigh more, and pushed away from the average.
std::unique_ptr<Algorithm> make_grawa(const GrawaOptions& options, const AlgorithmContext& context,
                                      WeightedMean::Groups groups, const std::string& name);

}  // namespace valley
