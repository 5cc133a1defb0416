#include "valley/study/ranking.h"

#include <map>

#include "valley/analysis/kendall.h"

namespace valley {
namespace {

constexpr int64_t kBootstrapDraws = 1000;
constexpr size_t kEnoughForError = 10;  // fewer runs say little of how far tau may be off

// Runs that differ in their seed alone belong together.
std::vector<int64_t> blocks_of(const std::vector<std::vector<int64_t>>& places,
                               const std::vector<bool>& averaged) {
  std::map<std::vector<int64_t>, int64_t> number;
  std::vector<int64_t> blocks;
  for (std::vector<int64_t> place : places) {
    for (size_t axis = 0; axis < place.size(); ++axis)
      if (averaged[axis]) place[axis] = 0;
    blocks.push_back(number.emplace(place, number.size()).first->second);
  }
  return blocks;
}

}  // namespace

MeasureRank rank_measure(const std::string& measure, bool larger_is_sharper,
                         const std::vector<RankedRun>& runs, const std::vector<ConfigAxis>& axes) {
  std::vector<bool> averaged;
  for (const ConfigAxis& axis : axes) averaged.push_back(axis.key == "seed");
  std::vector<std::vector<int64_t>> places;
  std::vector<double> sharpness, gap;
  const bool enough = runs.size() >= kFewestRanked;  // else no tau, and no group
  for (size_t i = 0; enough && i < runs.size(); ++i) {
    places.push_back(runs[i].place);
    sharpness.push_back((larger_is_sharper ? 1 : -1) * runs[i].sharpness);
    gap.push_back(runs[i].gap);
  }
  const GranulatedTau granulated = granulated_tau(places, averaged, sharpness, gap);
  MeasureRank rank{.measure = measure,
                   .larger_is_sharper = larger_is_sharper,
                   .runs = runs.size(),
                   .tau = kendall_tau_b(sharpness, gap),
                   .standard_error = {},
                   .granulated = granulated.mean,
                   .granulated_error = {},
                   .granulated_by_axis = granulated.axes,
                   .groups_by_axis = granulated.groups};
  if (sharpness.size() >= kEnoughForError) {
    const auto samples = block_bootstrap(blocks_of(places, averaged), kBootstrapDraws, /*seed=*/0);
    rank.standard_error = kendall_standard_error(sharpness, gap, samples);
    rank.granulated_error = granulated_standard_error(places, averaged, sharpness, gap, samples);
  }
  return rank;
}

}  // namespace valley
