#include "valley/algorithms/local_sgd.h"

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_local_sgd(const LocalSgdOptions& options,
                                          const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<MeanOfAll>(),
      std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}),
      options.compress_rounds);
}

}  // namespace valley
