#include "valley/algorithms/dpsgd.h"

#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/mixing_meeting.h"

namespace valley {

std::unique_ptr<Algorithm> make_dpsgd(const DpsgdOptions& options,
                                      const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<EveryStepRounds>(
      std::make_unique<Mixing>(GraphFor(options, context.seed), options.gossips),
      std::make_unique<AllTheWay>(), options.mixing, options.gossip_period);
}

}  // namespace valley
