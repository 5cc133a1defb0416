#include "valley/study/ranking.h"

#include "valley/analysis/kendall.h"

namespace valley {
namespace {

constexpr int64_t kBootstrapDraws = 1000;
constexpr size_t kEnoughForError = 10;  // fewer runs say little of how far tau may be off

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
                   .granulated_by_axis = granulated.axes,
                   .groups_by_axis = granulated.groups};
  if (sharpness.size() >= kEnoughForError)
    rank.standard_error = kendall_standard_error(sharpness, gap, kBootstrapDraws, /*seed=*/0);
  return rank;
}

}  // namespace valley
