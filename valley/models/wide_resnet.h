#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// Wide residual network WRN-D-K for small images: a 3x3 stem 16 wide; three stages, 16K, 32K and
/// 64K wide, of n = (D - 4) / 6 blocks, halving the image from the second on; BatchNorm, relu, the
/// mean over the image, fc. A block is pre-activated, without dropout:
///
///     y = relu(bn1(x))
///     x <- shortcut(y) + conv2(relu(bn2(conv1(y))))     the first block of a stage (1x1 shortcut)
///     x <- x           + conv2(relu(bn2(conv1(y))))     the others
///
/// A first block that changes nothing (K = 1, first stage) has no convolution in its shortcut.
///
///     wide-resnet-16-4      2,748,890 parameters for 3x32x32, 10 classes (the paper: 2.7 M)
///     wide-resnet-28-10    36,479,194                                    (the paper: 36.5 M)
///
/// Names: conv1, layer1.0.bn1, layer1.0.conv1, layer1.0.bn2, layer1.0.conv2, layer1.0.shortcut,
/// ..., bn_final, fc. There are several conventions for these networks; this is torchvision's for
/// residual networks, with the two names that it lacks. Weights start as torch::nn leaves them.
///
/// Reference: Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, arXiv:1605.07146.
/// @throws UsageError unless depth is 6n + 4 from 10 to 1000 and widening from 1 to 64.
std::unique_ptr<Model> make_wide_resnet(const ModelOptions& options, int64_t depth,
                                        int64_t widening);

}  // namespace valley
