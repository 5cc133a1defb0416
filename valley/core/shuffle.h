#pragma once

#include <utility>
#include <vector>

#include "valley/core/random.h"

namespace valley {

/// A uniform permutation in place (Fisher-Yates). std::shuffle differs between standard libraries.
template <typename T>
void shuffle(std::vector<T>& items, Random& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

}  // namespace valley
