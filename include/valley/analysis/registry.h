#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "valley/analysis/measure_details.h"
#include "valley/analysis/measure_table.h"

namespace valley {

class Minimum;

/// What a measure says of a minimum.
struct Measurement {
  std::optional<double> value = std::nullopt;  ///< none where it could not be found: see the note
  std::optional<double> standard_error = std::nullopt;  ///< of a stochastic measure
  std::string note = {};        ///< what a reader must know, one line; "" if nothing
  MeasureDetails details = {};  ///< what else was found, and how
};

/// One measure of a minimum, and how it is taken.
struct MeasureEntry : MeasureFacts {
  /// About how many forward passes it takes, or how many at most, for the time left. The loss at
  /// x_A is known before.
  double (*passes)(const Minimum&);
  Measurement (*measure)(Minimum&);
};

/// The measures of measure_table(), in its order.
const std::vector<MeasureEntry>& measures();

/// @throws UsageError for an unknown name (the nearest is offered).
const MeasureEntry& find_measure(const std::string& name);

/// Why the measure has no meaning here: "needs two workers, the run has one"; "" if it has. For
/// weights x_A, x_m and x_0 (undefined if unknown), all [d].
std::string why_not(const MeasureEntry& entry, const at::Tensor& average,
                    const std::vector<at::Tensor>& workers, const at::Tensor& initial);
std::string why_not(const MeasureEntry& entry, const Minimum& minimum);

}  // namespace valley
