#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// LeNet-size convolutional network (after LeCun et al., 1998, with rectifiers and max pooling):
///
///     conv1 16 5x5 padding 2, relu, maxpool 2, conv2 32 5x5, relu, maxpool 2,
///     flatten, fc1 64, relu, fc2 (classes)
///
/// For images of 12x12 and more. 65,162 parameters for 1x28x28, 88,490 for 3x32x32, 10 classes.
/// @throws UsageError for smaller images.
std::unique_ptr<Model> make_lenet(const ModelOptions& options);

}  // namespace valley
