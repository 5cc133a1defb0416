#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/gradient_weights.h"
#include "valley/algorithms/registry.h"
#include "valley/algorithms/round_parts.h"

namespace valley {

/// The meeting of mgrawa and lgrawa: a mean in which, group of parameters by group, workers with
/// small gradients weigh more, and the sum of all if it is wanted. With one group for everything G
/// is the sum over all layers (mgrawa.h), else there is a group for every layer (lgrawa.h).
///
/// Cost of a round with L groups: one all-reduce of 2 d + L values, x_m / G_ml, 1 / G_ml and x_m
/// together; without the sum d + L. And one more gradient on every worker; with one worker none.
class WeightedMean : public Meeting {
 public:
  enum class Groups { kAll, kLayers };

  /// @throws UsageError, beginning with `name`, if the context cannot tell what the groups need.
  WeightedMean(const AlgorithmContext& context, Groups groups, const std::string& name,
               bool with_sum);

  void begin(const at::Tensor& x) override;
  void append_to(AlgorithmState& state) const override;
  void load(const AlgorithmState& state) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  PendingRound among(Communicator& comm, const at::Tensor& all, int64_t round) override;

 protected:
  /// Of this worker, by group of d values, which are set to all of them where there is one group.
  std::vector<double> weights(int64_t d, std::vector<LayerRange>& groups);

  bool with_sum() const { return with_sum_; }

 private:
  void fill(const at::Tensor& x);
  PendingRound brought(int64_t d, int workers) const;

  std::function<std::vector<double>()> layer_norms_;
  std::vector<LayerRange> layers_;  // empty: one group
  bool with_sum_;
  GradientWeights weights_;
  std::vector<LayerRange> groups_;  // of the present round
  at::Tensor added_;                // [x_m / G_ml by group, 1 / G_ml, x_m], kept between rounds
  at::Tensor sent_;                 // [d], the same
  int workers_ = 1;
  std::unique_ptr<Work> work_;  // while it is under way
};

}  // namespace valley
