#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "valley/analysis/measure_details.h"

namespace valley {

class Minimum;

/// What a measure says of a minimum.
struct Measurement {
  std::optional<double> value = std::nullopt;  ///< none where it could not be found: see the note
  std::optional<double> standard_error = std::nullopt;  ///< of a stochastic measure
  std::string note = {};        ///< what a reader must know, one line; "" if nothing
  MeasureDetails details = {};  ///< what else was found, and how
};

enum class Needs {
  kNothing,
  kWorkers,  ///< two that differ
  kInitial,  ///< the weights that training began with, and that it has left
  kBoth,
};

/// One measure of a minimum. docs/measures.md has a section for each.
struct MeasureEntry {
  std::string name;
  std::string summary;
  std::string cost;         ///< in losses, gradients (3 losses) and products (9, fewer together)
  bool stochastic = false;  ///< has a standard error, and depends on the seed
  Needs needs = Needs::kNothing;
  bool larger_is_sharper = true;
  /// About how many forward passes it takes, or how many at most, for the time left. The loss at
  /// x_A is known before.
  double (*passes)(const Minimum&);
  Measurement (*measure)(Minimum&);
  std::string beside = {};  ///< the measure that leaves what this one needs: then it takes nothing
};

/// Every measure by name; `valley list measures`, --measures, the documents and the tests read
/// this table.
const std::vector<MeasureEntry>& measures();

/// @throws UsageError for an unknown name (the nearest is offered).
const MeasureEntry& find_measure(const std::string& name);

/// Why the measure has no meaning here: "needs two workers, the run has one"; "" if it has. For
/// weights x_A, x_m and x_0 (undefined if unknown), all [d].
std::string why_not(const MeasureEntry& entry, const at::Tensor& average,
                    const std::vector<at::Tensor>& workers, const at::Tensor& initial);
std::string why_not(const MeasureEntry& entry, const Minimum& minimum);

}  // namespace valley
