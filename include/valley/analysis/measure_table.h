#pragma once

#include <string>
#include <vector>

namespace valley {

enum class Needs {
  kNothing,
  kWorkers,  ///< two that differ
  kInitial,  ///< the weights that training began with, and that it has left
  kBoth,
};

/// What is known of a measure without LibTorch. docs/measures.md has a section for each.
struct MeasureFacts {
  std::string name;
  std::string summary;
  std::string cost;         ///< in losses, gradients (3 losses) and products (9, fewer together)
  bool stochastic = false;  ///< has a standard error, and depends on the seed
  Needs needs = Needs::kNothing;
  bool larger_is_sharper = true;
  std::string beside = {};  ///< the measure that leaves what this one needs: then it takes nothing
};

/// Every measure by name; `valley list measures`, the flag, the documents and the tests read this
/// table.
const std::vector<MeasureFacts>& measure_table();

/// @throws UsageError for an unknown name (the nearest is offered).
const MeasureFacts& find_measure_facts(const std::string& name);

}  // namespace valley
