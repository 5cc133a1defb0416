#include "valley/algorithms/lgrawa.h"

#include "valley/algorithms/grawa.h"

namespace valley {

std::unique_ptr<Algorithm> make_lgrawa(const GrawaOptions& options,
                                       const AlgorithmContext& context) {
  return make_grawa(options, context, WeightedMean::Groups::kLayers, "lgrawa");
}

}  // namespace valley
