#include "valley/algorithms/lsgd.h"

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/follow_the_leader.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_lsgd(const LsgdOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext&) {
    auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
    auto meeting = std::make_unique<FollowTheLeader>(options.leader_pull, rule->pushes());
    return Round(std::move(meeting), std::move(rule));
  });
}

}  // namespace valley
