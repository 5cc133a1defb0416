#include "valley/algorithms/grawa.h"

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/rounds.h"

namespace valley {

std::unique_ptr<Algorithm> make_grawa(const GrawaOptions& options, const AlgorithmContext& context,
                                      WeightedMean::Groups groups, const std::string& name) {
  check_ranges(options);
  auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
  auto meeting = std::make_unique<WeightedMean>(context, groups, name, rule->pushes());
  return std::make_unique<RoundsAlgorithm>(options.period, context, std::move(meeting),
                                           std::move(rule), options.compress_rounds);
}

}  // namespace valley
