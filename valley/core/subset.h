#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "valley/core/random.h"

namespace valley {

/// k of 0 .. n - 1 without repetition, every set equally likely, by k draws (Floyd's way); in the
/// order in which they were drawn, which is not uniform.
inline std::vector<int64_t> random_subset(int64_t k, int64_t n, Random& random) {
  std::unordered_set<int64_t> drawn;
  std::vector<int64_t> subset;
  for (int64_t i = n - k; i < n; ++i) {
    const auto one = static_cast<int64_t>(random.below(static_cast<uint64_t>(i) + 1));
    subset.push_back(drawn.insert(one).second ? one : i);
    drawn.insert(subset.back());
  }
  return subset;
}

}  // namespace valley
