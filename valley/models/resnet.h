#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Residual networks of basic blocks, for small images: a 3x3 stem without pooling, stages that
/// halve the image and widen, the mean over the image, fc. Names and layout are torchvision's
/// (conv1, bn1, layer1.0.conv1, ..., layer2.0.downsample.0, ..., fc).
///
///     depth 6n + 2   16-32-64        n blocks a stage       resnet-20: 272,474 parameters
///     depth 18       64-128-256-512  2, 2, 2, 2             11,173,962
///     depth 34       64-128-256-512  3, 4, 6, 3             21,282,122
///
/// for 3x32x32 and 10 classes. 20, 32, 44, 56 and 110 are the paper's CIFAR networks, 8 and 14
/// smaller ones of their kind; 18 and 34 are its ImageNet networks with a stem for small images.
/// Deeper ones of the latter kind (50, ...) have other blocks and are not here.
///
/// Where a stage changes the shape, the shortcut is a 1x1 convolution with BatchNorm (option B of
/// the paper), as in torchvision. The paper's own CIFAR networks pad with zeros there (option A):
/// resnet-20 would have 269,722 parameters. Weights start as torch::nn leaves them
/// (kaiming_uniform, a = sqrt(5)), not as torchvision's.
///
/// Reference: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016.
/// @throws UsageError for another depth.
std::unique_ptr<Model> make_resnet(const ModelOptions& options, int64_t depth);

}  // namespace valley
