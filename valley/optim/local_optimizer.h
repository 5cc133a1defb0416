#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "valley/models/named_tensor.h"
#include "valley/optim/flat_parameters.h"

namespace valley {

enum class OptimizerKind { kSgd, kAdamW };

/// @throws UsageError for an unknown name (the nearest is offered).
OptimizerKind parse_optimizer(const std::string& name);

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kSgd;
  double momentum = 0.9;      ///< sgd: in [0, 1)
  bool nesterov = false;      ///< sgd: needs momentum > 0
  double weight_decay = 0.0;  ///< >= 0; sgd adds it to the gradient, adamw decouples it
  double beta1 = 0.9;         ///< adamw, in [0, 1)
  double beta2 = 0.999;       ///< adamw, in [0, 1)
};

/// torch::optim's SGD or AdamW, stepping on the flat vector. The state (momentum, moments) belongs
/// to this worker alone and never travels.
class LocalOptimizer {
 public:
  virtual ~LocalOptimizer() = default;

  /// x <- one step from x along g with learning rate `lr`.
  virtual void step(double lr) = 0;

  /// The state as named tensors, for a checkpoint; empty before the first step.
  virtual std::vector<NamedTensor> state() const = 0;

  /// @throws UsageError if `state` is not of this optimizer and these parameters.
  virtual void load_state(const std::vector<NamedTensor>& state) = 0;
};

/// @throws UsageError if an option is out of range.
void check(const OptimizerOptions& options);

/// @throws UsageError if an option is out of range.
std::unique_ptr<LocalOptimizer> make_optimizer(const OptimizerOptions& options,
                                               const FlatParameters& parameters);

}  // namespace valley
