#include "valley/analysis/kendall.h"

#include <cmath>
#include <map>

#include "valley/analysis/estimate.h"
#include "valley/core/error.h"
#include "valley/core/random.h"

namespace valley {
namespace {

int sign(double value) { return (value > 0) - (value < 0); }

std::optional<double> mean_of_known(const std::vector<std::optional<double>>& values) {
  std::vector<double> known;
  for (const auto& value : values) {
    if (value) known.push_back(*value);
  }
  if (known.empty()) return std::nullopt;
  return mean_estimate(known).value;
}

bool all_one(const std::vector<double>& values) {
  for (const double value : values) {
    if (value != values.front()) return false;
  }
  return true;
}

}  // namespace

std::optional<double> kendall_tau_b(const std::vector<double>& x, const std::vector<double>& y) {
  require(x.size() == y.size(), "tau of {} and {} values", x.size(), y.size());
  double difference = 0, untied_x = 0, untied_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const int dx = sign(x[i] - x[j]), dy = sign(y[i] - y[j]);
      difference += dx * dy;
      untied_x += dx != 0;
      untied_y += dy != 0;
    }
  }
  if (untied_x == 0 || untied_y == 0) return std::nullopt;
  return difference / std::sqrt(untied_x * untied_y);
}

std::optional<double> kendall_standard_error(const std::vector<double>& x,
                                             const std::vector<double>& y, int64_t draws,
                                             uint64_t seed) {
  const size_t n = x.size();
  if (n < 3) return std::nullopt;
  Random random(seed);
  std::vector<double> taus;
  for (int64_t k = 0; k < draws; ++k) {
    std::vector<double> some_x, some_y;
    for (size_t i = 0; i < n; ++i) {
      const size_t at = random.below(n);
      some_x.push_back(x[at]);
      some_y.push_back(y[at]);
    }
    if (const auto tau = kendall_tau_b(some_x, some_y)) taus.push_back(*tau);
  }
  if (2 * static_cast<int64_t>(taus.size()) < draws || taus.size() < 2) return std::nullopt;
  return mean_estimate(taus).standard_error * std::sqrt(static_cast<double>(taus.size()));
}

GranulatedTau granulated_tau(const std::vector<std::vector<int64_t>>& places,
                             const std::vector<bool>& averaged, const std::vector<double>& x,
                             const std::vector<double>& y) {
  require(places.size() == x.size() && x.size() == y.size(), "{} places for {} and {} values",
          places.size(), x.size(), y.size());
  GranulatedTau result;
  for (size_t axis = 0; axis < averaged.size(); ++axis) {
    std::map<std::vector<int64_t>, std::pair<std::vector<double>, std::vector<double>>> groups;
    for (size_t r = 0; r < places.size() && !averaged[axis]; ++r) {
      std::vector<int64_t> others = places[r];
      others[axis] = -1;
      auto& [group_x, group_y] = groups[others];
      group_x.push_back(x[r]);
      group_y.push_back(y[r]);
    }
    std::vector<std::optional<double>> taus;
    for (const auto& [others, group] : groups) {
      const auto& [group_x, group_y] = group;
      if (all_one(group_y)) continue;
      taus.push_back(all_one(group_x) ? 0 : kendall_tau_b(group_x, group_y));
    }
    result.groups.push_back(static_cast<int64_t>(taus.size()));
    result.axes.push_back(mean_of_known(taus));
  }
  result.mean = mean_of_known(result.axes);
  return result;
}

}  // namespace valley
