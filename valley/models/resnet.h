#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Residual networks of basic blocks, for small images: a 3x3 stem without pooling, stages that
/// halve the image and widen, the mean over the image, fc. Names and layout are torchvision's
/// (conv1, bn1, layer1.0.conv1, ..., layer2.0.downsample.0, ..., fc).
///
///     resnet-8    16-32-64      1 block a stage    78,042 parameters for 3x32x32, 10 classes
///     resnet-20   16-32-64      3                  272,474
///     resnet-18   64-128-256-512  2                11,173,962
///
/// Where a stage changes the shape, the shortcut is a 1x1 convolution with BatchNorm (option B of
/// the paper), as in torchvision. The paper's own CIFAR networks pad with zeros there (option A):
/// resnet-20 would have 269,722 parameters. Weights start as torch::nn leaves them
/// (kaiming_uniform, a = sqrt(5)), not as torchvision's.
///
/// Reference: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016.
std::unique_ptr<Model> make_resnet8(const ModelOptions& options);
std::unique_ptr<Model> make_resnet20(const ModelOptions& options);
std::unique_ptr<Model> make_resnet18(const ModelOptions& options);

}  // namespace valley
