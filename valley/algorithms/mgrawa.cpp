#include "valley/algorithms/mgrawa.h"

#include "valley/algorithms/grawa.h"

namespace valley {

std::unique_ptr<Algorithm> make_mgrawa(const GrawaOptions& options,
                                       const AlgorithmContext& context) {
  return make_grawa(options, context, WeightedMean::Groups::kAll, "mgrawa");
}

}  // namespace valley
