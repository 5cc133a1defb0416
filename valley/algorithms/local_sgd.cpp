#include "valley/algorithms/local_sgd.h"

#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_local_sgd(const AlgorithmOptions& options,
                                          const AlgorithmContext& context) {
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<MeanOfAll>(),
      std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}));
}

}  // namespace valley
