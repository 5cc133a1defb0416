#include "valley/algorithms/mgrawa.h"

#include "valley/algorithms/grawa.h"

namespace valley {

std::unique_ptr<Algorithm> make_mgrawa(const AlgorithmOptions& options,
                                       const AlgorithmContext& context) {
  return std::make_unique<Grawa>(options, context, Grawa::Groups::kAll, "mgrawa");
}

}  // namespace valley
