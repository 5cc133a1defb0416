#include "valley/algorithms/lgrawa.h"

#include "valley/algorithms/grawa.h"

namespace valley {

std::unique_ptr<Algorithm> make_lgrawa(const AlgorithmOptions& options,
                                       const AlgorithmContext& context) {
  return std::make_unique<Grawa>(options, context, Grawa::Groups::kLayers, "lgrawa");
}

}  // namespace valley
