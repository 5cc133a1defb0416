#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "valley/analysis/batch_norm_at.h"

namespace valley {

enum class PlaneKind {
  kAverage,  ///< through the average and two workers
  kWorkers,  ///< through three workers
  kSpread,   ///< the two directions in which the workers differ most
  kRandom,   ///< two random directions, every filter of its own length
};
std::string_view name(PlaneKind plane);

enum class Split { kTrain, kTest };
std::string_view name(Split split);

/// The inverse. @throws UsageError
Split parse_split(const std::string& text);

/// The flags of `valley landscape`.
struct LandscapeOptions {
  PlaneKind plane = PlaneKind::kAverage;
  std::vector<int> through = {};  ///< which workers, two or three; none: the first
  int64_t points = 21;            ///< along each axis
  Split split = Split::kTrain;
  BatchNormAt batch_norm = BatchNormAt::kProbe;
  int64_t samples = 1000;  ///< of the split, of every class its share; 0: all
  int64_t seed = 0;        ///< of the examples and of random directions
};

/// @throws UsageError if one is out of range.
void check(const LandscapeOptions& options);

}  // namespace valley
