#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/record/config_file.h"

/// How well measures of sharpness order runs by their generalisation gap.
namespace valley {

inline constexpr size_t kFewestRanked = 4;  ///< runs that can be ranked

/// What a run says of one measure.
struct RankedRun {
  std::vector<int64_t> place = {};  ///< which value of every axis
  double sharpness = 0;
  double gap = 0;
};

/// How well one measure orders the runs that have it: near 1 where it explains the gap, whether a
/// sharp minimum has a large value of it or a small one.
struct MeasureRank {
  std::string measure = {};
  bool larger_is_sharper = true;
  size_t runs = 0;                 ///< that have it
  std::optional<double> tau = {};  ///< Kendall's tau-b; none with fewer than kFewestRanked
  std::optional<double> standard_error = {};  ///< of tau; none with few runs
  std::optional<double> granulated = {};      ///< mean of tau within groups that differ in one axis
  std::optional<double> granulated_error = {};  ///< its standard error
  std::vector<std::optional<double>> granulated_by_axis = {};
  std::vector<int64_t> groups_by_axis = {};
};

/// `axes` are those of the grid; over "seed" groups take the mean.
MeasureRank rank_measure(const std::string& measure, bool larger_is_sharper,
                         const std::vector<RankedRun>& runs, const std::vector<ConfigAxis>& axes);

}  // namespace valley
