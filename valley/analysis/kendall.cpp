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

template <typename T>
std::vector<T> taken(const std::vector<T>& from, const Resampled& sample) {
  std::vector<T> some;
  some.reserve(sample.size());
  for (const size_t i : sample) some.push_back(from[i]);
  return some;
}

// None where fewer than half of the samples have a value.
template <typename Statistic>
std::optional<double> deviation_over(const std::vector<Resampled>& samples,
                                     const Statistic& statistic) {
  std::vector<double> values;
  for (const Resampled& sample : samples)
    if (const std::optional<double> value = statistic(sample)) values.push_back(*value);
  if (2 * values.size() < samples.size() || values.size() < 2) return std::nullopt;
  return mean_estimate(values).standard_error * std::sqrt(static_cast<double>(values.size()));
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

std::vector<Resampled> block_bootstrap(const std::vector<int64_t>& block, int64_t draws,
                                       uint64_t seed) {
  std::vector<Resampled> blocks;  // in the order of their first members
  std::map<int64_t, size_t> place;
  for (size_t i = 0; i < block.size(); ++i) {
    const auto [found, is_new] = place.emplace(block[i], blocks.size());
    if (is_new) blocks.emplace_back();
    blocks[found->second].push_back(i);
  }
  Random random(seed);
  std::vector<Resampled> samples(static_cast<size_t>(draws));
  for (Resampled& sample : samples)
    for (size_t k = 0; k < blocks.size(); ++k) {
      const Resampled& drawn = blocks[random.below(blocks.size())];
      sample.insert(sample.end(), drawn.begin(), drawn.end());
    }
  return samples;
}

std::optional<double> kendall_standard_error(const std::vector<double>& x,
                                             const std::vector<double>& y,
                                             const std::vector<Resampled>& samples) {
  if (x.size() < 3) return std::nullopt;
  return deviation_over(samples, [&](const Resampled& sample) {
    return kendall_tau_b(taken(x, sample), taken(y, sample));
  });
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

std::optional<double> granulated_standard_error(const std::vector<std::vector<int64_t>>& places,
                                                const std::vector<bool>& averaged,
                                                const std::vector<double>& x,
                                                const std::vector<double>& y,
                                                const std::vector<Resampled>& samples) {
  return deviation_over(samples, [&](const Resampled& sample) {
    return granulated_tau(taken(places, sample), averaged, taken(x, sample), taken(y, sample)).mean;
  });
}

}  // namespace valley
