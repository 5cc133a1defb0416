#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// VGG with BatchNorm for small images: five stages of 3x3 convolutions, 64-128-256-512-512 wide,
/// each followed by a max pooling that halves the image; the mean over what is left of it; one
/// linear classifier. Names are torchvision's for vgg*_bn: features.0.weight (convolution),
/// features.1.weight (BatchNorm), ... with a number for every relu and pooling too; classifier.
///
///     depth   convolutions a stage   parameters for 3x32x32, 10 classes
///     11      1, 1, 2, 2, 2           9,231,114
///     13      2, 2, 2, 2, 2           9,416,010
///     16      2, 2, 3, 3, 3          14,728,266
///     19      2, 2, 4, 4, 4          20,040,522
///
/// Two things are usual for CIFAR and not the paper's: BatchNorm, and one linear layer instead of
/// three. Poolings round up, which changes nothing at 32x32 (1x1 is left) and lets 28x28 go through
/// five of them (14, 7, 4, 2, 1). Convolutions keep their biases, as in torchvision, though the
/// BatchNorm behind takes them out again. Weights start as torch::nn leaves them.
///
/// For images of 16x16 and more.
/// Reference: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
/// Recognition", ICLR 2015, arXiv:1409.1556.
/// @throws UsageError for another depth or smaller images.
std::unique_ptr<Model> make_vgg(const ModelOptions& options, int64_t depth);

}  // namespace valley
