#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/models/model.h"

namespace valley {

struct ModelOptions {
  std::array<int64_t, 3> input = {1, 28, 28};  ///< C, H, W
  int64_t classes = 10;
  uint64_t seed = 0;  ///< of the initial weights; the same seed gives the same bits
};

struct ModelEntry {
  std::string name;
  std::string summary;
  std::unique_ptr<Model> (*make)(const ModelOptions&);
};

/// Every model by name; `valley list models`, --help and the tests read this table.
const std::vector<ModelEntry>& models();

/// A registry model, or the TorchScript file `name` when it ends in ".pt" (with the weights and the
/// number of classes it has; `options` do not change them).
/// @throws UsageError for an unknown name (the nearest is offered), or a file that is missing, cut
///     short, or no TorchScript module.
std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options);

}  // namespace valley
