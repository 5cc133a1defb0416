#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "valley/models/named_tensor.h"
#include "valley/optim/flat_parameters.h"
#include "valley/optim/options.h"

namespace valley {

/// torch::optim's SGD or AdamW, LARS or LAMB (valley/optim/layerwise.h), stepping on the flat
/// vector. The state (momentum, moments) belongs to this worker alone and never travels.
class LocalOptimizer {
 public:
  virtual ~LocalOptimizer() = default;

  /// x <- one step from x along g with learning rate `lr`. With a clip_norm c above 0, first
  ///
  ///     g <- min(1, c / (||g|| + 1e-6)) g
  ///
  /// as torch.nn.utils.clip_grad_norm_ does: g is what the method hands over, the mean gradient of
  /// ssgd and each worker's own of the methods that average weights.
  virtual void step(double lr) = 0;

  /// The state as named tensors, for a checkpoint; empty before the first step.
  virtual std::vector<NamedTensor> state() const = 0;

  /// @throws UsageError if `state` is not of this optimizer and these parameters.
  virtual void load_state(const std::vector<NamedTensor>& state) = 0;
};

/// @throws UsageError if an option is out of range.
std::unique_ptr<LocalOptimizer> make_optimizer(const OptimizerOptions& options,
                                               const FlatParameters& parameters);

}  // namespace valley
