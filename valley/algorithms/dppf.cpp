#include "valley/algorithms/dppf.h"

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_dppf(const DppfOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  check_compressible(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<MeanOfAll>(),
      std::make_unique<PullPushRule>(options.pull_push, options.push_schedule),
      options.compress_rounds);
}

}  // namespace valley
