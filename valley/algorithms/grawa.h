#pragma once

#include <string>
#include <vector>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/gradient_weights.h"
#include "valley/algorithms/rounds.h"

namespace valley {

/// What mgrawa and lgrawa share: the pull towards a mean in which, group of parameters by group,
/// workers with small gradients weigh more. With one group for everything G is the sum over all
/// layers (mgrawa.h), else there is a group for every layer (lgrawa.h).
///
/// Cost of a round with L groups: one all-reduce of 2 d + L values, x_m / G_ml, 1 / G_ml and x_m
/// together; without a push d + L. And one more gradient on every worker; with one worker none.
class Grawa : public RoundsAlgorithm {
 public:
  enum class Groups { kAll, kLayers };

  /// @throws UsageError, beginning with `name`, if the context cannot tell what the groups need.
  Grawa(const AlgorithmOptions& options, const AlgorithmContext& context, Groups groups,
        const std::string& name);

  AlgorithmState state() const override;
  void load_state(const AlgorithmState& state) override;

 private:
  void begin(const at::Tensor& x) override;
  RoundReport round(const StepInfo& info, at::Tensor& x) override;

  PushShape schedule_;
  Consensus consensus_;
  std::function<std::vector<double>()> layer_norms_;
  std::vector<LayerRange> layers_;  // empty: one group
  GradientWeights weights_;
  at::Tensor sent_;  // [x_m / G_ml by group, 1 / G_ml, x_m], kept between rounds
};

}  // namespace valley
