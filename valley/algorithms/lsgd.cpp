#include "valley/algorithms/lsgd.h"

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/leader_by_wire.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_lsgd(const LsgdOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  check_rounding_wire("lsgd", options.wire);
  return make_rounds(options, context, [options](const AlgorithmContext&) {
    auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
    auto meeting = make_leader(options.leader_pull, rule->pushes(), options.wire);
    return Round(std::move(meeting), std::move(rule));
  });
}

}  // namespace valley
