#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/task/task.h"

namespace valley {

/// A dense layer of a model, y = W a + b.
struct DenseLayer {
  std::string weight;  ///< the name of W [out, in]
  std::string bias;    ///< that of b [out]
};

/// The layer of that name ("fc2", whose parameters are fc2.weight and fc2.bias); of "" the last
/// that could be one. @throws UsageError if there is none; layers that could be one are named.
DenseLayer find_dense_layer(Model& model, const std::string& name);

/// What a dense layer is given, and what the model loses, example by example.
struct LayerActivity {
  at::Tensor activities;  ///< a [n, in]; 0 where nothing behind the layer depends on it
  at::Tensor losses;      ///< [n]
};

/// In eval mode, in which the model is left. a is read off the derivative of a random sum s of the
/// output's values, of which dL/dW = (ds/db) a^T for one example: no layer has to be known from
/// within.
/// Cost: n gradients of one example each.
/// @throws UsageError if the layer is no dense one that every example goes through once: the
///     derivative is then no such product; ModelError
LayerActivity layer_activity(Model& model, const DenseLayer& layer,
                             const std::shared_ptr<const Dataset>& data, const Dataset& statistics,
                             const Task& task);

}  // namespace valley
