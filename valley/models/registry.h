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

/// One model, or a family of them: capital letters in the name stand for whole numbers. The row
/// "wide-resnet-D-K" answers to "wide-resnet-28-10" with the numbers {28, 10}.
struct ModelEntry {
  std::string name;
  std::string summary;
  std::unique_ptr<Model> (*make)(const ModelOptions&, const std::vector<int64_t>& numbers);
};

/// Every model by name; `valley list models`, --help and the tests read this table.
const std::vector<ModelEntry>& models();

/// A registry model, or the TorchScript file of that name (model_names.h), with the weights and the
/// number of classes it has; `options` do not change them.
///
/// @throws UsageError for an unknown name (the nearest is offered), for numbers that the family
///     does not have, for an input that the model cannot read, or for a file that is missing, cut
///     short, or no TorchScript module.
std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options);

}  // namespace valley
