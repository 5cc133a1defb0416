#include "valley/algorithms/grawa.h"

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_grawa(const GrawaOptions& options, const AlgorithmContext& context,
                                      WeightedMean::Groups groups, const std::string& name) {
  check_ranges(options);
  return make_rounds(options, context, [=](const AlgorithmContext& c) {
    auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
    auto meeting = std::make_unique<WeightedMean>(c, groups, name, rule->pushes());
    return Round(std::move(meeting), std::move(rule));
  });
}

}  // namespace valley
