#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "valley/core/settings.h"

namespace valley {

/// Which model a run is judged by and leaves. With x_A(r) the average of all workers after round r,
/// R of them so far:
///
///     plain       x_A where the workers stand
///     ema:BETA    e(1) = x_A(1),  e(r) = BETA e(r - 1) + (1 - BETA) x_A(r)          e(R)
///     last:K      (1/K) sum_{r > R - K} x_A(r)        of fewer where there were fewer yet
///
/// All are linear in the workers: every worker keeps its own sum, and what is evaluated is the mean
/// of these. So the rounds cost nothing more. Before the first round it is the plain average.
///
/// BatchNorm's statistics are re-estimated for it, from training data.
///
/// References: last:K is LAWA, Kaddour, "Stop Wasting My Time! Saving Days of ImageNet and BERT
/// Training with Latest Weight Averaging", 2022, arXiv:2209.14981, with rounds in the place of
/// epochs; of all epochs at a high learning rate it is SWA, Izmailov, Podoprikhin, Garipov, Vetrov
/// and Wilson, "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018,
/// arXiv:1803.05407.
enum class AverageKind { kPlain, kEma, kLast };

struct AverageSpec {
  AverageKind kind = AverageKind::kPlain;
  double beta = 0;    ///< of kEma, in [0, 1)
  int64_t count = 1;  ///< K of kLast, at least 1

  bool operator==(const AverageSpec&) const = default;
};

/// "plain", "ema:0.99", "last:10". @throws UsageError
AverageSpec parse_average(std::string_view text);
std::string to_string(const AverageSpec& spec);

inline constexpr Parsed<AverageSpec> kAverageText = {&parse_average, &to_string};

}  // namespace valley
