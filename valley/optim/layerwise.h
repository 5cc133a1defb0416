#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "valley/optim/flat_parameters.h"
#include "valley/optim/local_optimizer.h"
#include "valley/optim/options.h"

/// Optimizers for large batches, whose step is in every layer as long as the layer's size allows.
/// With the step u_l of an optimizer in layer l, a parameter tensor, and its trust ratio
///
///     r_l = min(limit, trust ||x_l|| / ||u_l||)        1 where one of the two norms is 0
///
/// Parameters that do not decay (--decay matrices: biases, normalisation) have r = 1.
namespace valley {

/// LARS: SGD with momentum of r_l u_l, u = g + wd x:
///
///     v <- mu v + r u,   x <- x - lr v          Nesterov: x <- x - lr (r u + mu v)
///
/// With all r = 1 it is SGD. trust is .001 unless given.
///
/// Reference: You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks", 2017,
/// arXiv:1708.03888. There the learning rate stands within v.
std::unique_ptr<LocalOptimizer> make_lars(const OptimizerOptions& options,
                                          const FlatParameters& parameters);

/// LAMB: AdamW's step, u = m^ / (sqrt(v^) + 1e-8) + wd x, with m^ and v^ as Adam corrects them:
///
///     x <- x - lr r u
///
/// With all r = 1 it is AdamW. trust is 1 unless given.
///
/// Reference: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76
/// minutes", ICLR 2020, arXiv:1904.00962, with the identity for their function of ||x||, up to the
/// limit.
std::unique_ptr<LocalOptimizer> make_lamb(const OptimizerOptions& options,
                                          const FlatParameters& parameters);

/// g <- min(1, c / (||g|| + 1e-6)) g. Nothing of it is read, so that nobody waits for a device.
void shorten(at::Tensor& gradient, double clip_norm);

}  // namespace valley
