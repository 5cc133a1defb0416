#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Perceptron for an input of any shape: flatten, fc1 (first), relu, fc2 (second), relu, fc3
/// (classes). 109,386 parameters for 1x28x28, 10 classes, 128 and 64.
/// @throws UsageError if a layer is below 1 wide.
std::unique_ptr<Model> make_mlp(const ModelOptions& options, int64_t first = 128,
                                int64_t second = 64);

}  // namespace valley
