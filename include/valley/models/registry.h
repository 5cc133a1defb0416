#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "valley/models/model.h"
#include "valley/models/model_names.h"

namespace valley {

struct ModelOptions {
  std::array<int64_t, 3> input = {1, 28, 28};  ///< C, H, W; of text 1, 1, T: the longest context
  int64_t classes = 10;
  int64_t vocabulary = 0;  ///< of text: its tokens, and so as many outputs; 0: values
  uint64_t seed = 0;       ///< of the initial weights; the same seed gives the same bits
};

/// A registry model, or the TorchScript file of that name (model_names.h), with the weights and the
/// number of classes it has; `options` do not change them.
///
/// @throws UsageError for an unknown name (the nearest is offered), for numbers that the family
///     does not have, for an input that the model cannot read, or for a file that is missing, cut
///     short, or no TorchScript module.
std::unique_ptr<Model> make_model(const std::string& name, const ModelOptions& options);

}  // namespace valley
