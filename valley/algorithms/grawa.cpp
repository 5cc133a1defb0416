#include "valley/algorithms/grawa.h"

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/weighted_by_wire.h"

namespace valley {

std::unique_ptr<Algorithm> make_grawa(const GrawaOptions& options, const AlgorithmContext& context,
                                      WeightedMean::Groups groups, const std::string& name) {
  check_ranges(options);
  check_rounding_wire(name, options.wire);
  return make_rounds(options, context, [=](const AlgorithmContext& c) {
    auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
    auto meeting = make_weighted_mean(c, groups, name, rule->pushes(), options.wire);
    return Round(std::move(meeting), std::move(rule));
  });
}

}  // namespace valley
