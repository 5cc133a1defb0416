#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Perceptron for an input of any shape: flatten, fc1 (128), relu, fc2 (64), relu, fc3 (classes).
/// 109,386 parameters for 1x28x28 and 10 classes.
std::unique_ptr<Model> make_mlp(const ModelOptions& options);

}  // namespace valley
