#include "valley/algorithms/local_sgd.h"

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

std::unique_ptr<Algorithm> make_local_sgd(const LocalSgdOptions& options,
                                          const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext& c) {
    return Round(make_mean(options.wire, c),
                 std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}));
  });
}

}  // namespace valley
