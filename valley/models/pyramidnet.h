#pragma once

#include <memory>

#include "valley/models/registry.h"

namespace valley {

/// PyramidNet of basic blocks with additive widening, for small images: a 3x3 stem 16 wide with
/// BatchNorm; N = (depth - 2) / 2 blocks, each wider than the one before it, in three stages that
/// halve the image from the second on; BatchNorm, relu, the mean over the image, fc. Block
/// k = 1, ..., N:
///
///     width_k = 16 + k alpha / N        rounded to the nearest whole number
///     x <- pad(x) + bn3(conv2(relu(bn2(conv1(bn1(x))))))
///
/// pad: zeros in the place of the channels that x lacks; where the image is halved, x goes through
/// a 2x2 average pooling first. So shortcuts have no parameters.
///
///     pyramidnet-20-48         310,845 parameters for 3x32x32, 10 classes
///     pyramidnet-110-48      1,772,706    (the paper: 1.7 M)
///     pyramidnet-110-84      3,904,446    (the paper: 3.8 M)
///     pyramidnet-110-270    28,485,477    (the paper: 28.3 M)
///
/// Names are those of the authors' PyTorch code: conv1, bn1, layer1.0.bn1, layer1.0.conv1, ...,
/// layer1.0.bn3, ..., bn_final, fc. So is the rounding; the paper's formula rounds down, which
/// gives 1,739,730 parameters for alpha = 48 and 3,855,054 for 84. Weights start as torch::nn
/// leaves them.
///
/// Reference: Han, Kim and Kim, "Deep Pyramidal Residual Networks", CVPR 2017, arXiv:1610.02915.
/// @throws UsageError unless depth is 6n + 2 from 8 to 1202 and alpha from 1 to 1000.
std::unique_ptr<Model> make_pyramidnet(const ModelOptions& options, int64_t depth, int64_t alpha);

}  // namespace valley
