#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "valley/data/attack_options.h"
#include "valley/data/dataset.h"

namespace valley {

/// Examples as near as EPS to given ones, in every value, at which a loss l is as high as one or
/// more of its gradients can tell. With x [B, C, H, W] the examples, B(x) those within EPS of it:
///
///     fgsm    x' = x + EPS sign(grad l(x))
///     pgd     x' at random in B(x), then STEPS times    x' <- P(x' + STEP sign(grad l(x')))
///
/// where P brings every value back into B(x). Data that are bytes stay bytes' values, in [0, 255]:
/// EPS and STEP are in units of 255 there, as in the literature, and else in the units of the data.
/// What comes and goes is normalised, as a Loader gives it; a channel's EPS is divided by its
/// deviation.
///
/// Cost: a gradient by the input for `fgsm`, STEPS of them for `pgd`. Memory: three batches.
///
/// References: Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples",
/// ICLR 2015, arXiv:1412.6572; Madry et al., "Towards Deep Learning Models Resistant to Adversarial
/// Attacks", ICLR 2018, arXiv:1706.06083. The length of a step that nobody gives is ours.
class Attack {
 public:
  /// The gradient of the loss by an input, of its shape.
  using GradientOf = std::function<at::Tensor(const at::Tensor& input)>;

  /// `statistics` normalises: the training set. @throws UsageError if it is text.
  Attack(const AttackSpec& spec, const Dataset& statistics);

  /// x' [B, C, H, W]; what is drawn at random follows from `seed`. `input` stays as it is.
  at::Tensor worst(const at::Tensor& input, uint64_t seed, const GradientOf& gradient) const;

 private:
  AttackSpec spec_;
  bool bytes_;
  std::vector<float> mean_, stddev_;  // [C]
};

/// The gradient by `input` of a loss that is computed of a copy of it.
at::Tensor input_gradient(const at::Tensor& input,
                          const std::function<at::Tensor(const at::Tensor& input)>& loss);

}  // namespace valley
