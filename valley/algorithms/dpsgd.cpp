#include "valley/algorithms/dpsgd.h"

#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/mixing_meeting.h"

namespace valley {

std::unique_ptr<Algorithm> make_dpsgd(const DpsgdOptions& options,
                                      const AlgorithmContext& context) {
  return std::make_unique<EveryStepRounds>(
      std::make_unique<Mixing>(GraphFor(options, context.seed)), std::make_unique<AllTheWay>(),
      options.mixing);
}

}  // namespace valley
