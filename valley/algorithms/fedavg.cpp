#include "valley/algorithms/fedavg.h"

#include "valley/algorithms/participants.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_fedavg(const FedAvgOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context,
      std::make_unique<MeanOfSome>(Participants(options.participate, context.seed)),
      std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}), "none",
      options.optimizer_state);
}

}  // namespace valley
