#pragma once

#include <algorithm>
#include <cmath>

#include "valley/topology/matrix.h"

/// What the tests of this room share.
namespace valley {

/// The largest |a(j, k) - b(j, k)|.
inline double max_difference(const MixingMatrix& a, const MixingMatrix& b) {
  double largest = 0;
  for (int j = 0; j < a.size(); ++j) {
    for (int k = 0; k < a.size(); ++k) largest = std::max(largest, std::abs(a(j, k) - b(j, k)));
  }
  return largest;
}

}  // namespace valley
