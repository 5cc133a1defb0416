#pragma once

#include <memory>
#include <string>

#include "valley/algorithms/weighted_mean.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

/// The meeting of mgrawa and lgrawa in bf16 or fp16: all gather the weights, and the weighted mean
/// is a plain one (wire_mean.h) of what the workers say of it, r the last that all know:
///
///     W_ml = (1 / G_ml) / sum_k (1 / G_kl),   x_C = (1/M) sum_m (r + M W_ml (x_m - r))
///
/// Cost of a round with L groups: an all-gather of L values, and wire_bytes() once, with the sum
/// twice. Memory: 4 d, with the sum 6 d, and payloads. State: that of weighted_mean.h and of the
/// means.
class WeightedByWire : public WeightedMean {
 public:
  WeightedByWire(const AlgorithmContext& context, Groups groups, const std::string& name,
                 bool with_sum, const std::string& wire);

  void prepare(int workers) override;
  void begin(const at::Tensor& x) override;
  void append_to(AlgorithmState& state) const override;
  void load(const AlgorithmState& state) override;
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  bool regroup() override;

 private:
  /// What this worker says of the weighted mean, [d].
  const at::Tensor& said(Communicator& comm, const at::Tensor& x);

  PendingRound brought(PendingRound met, const at::Tensor& sum);

  WireMean center_, mean_;
  int workers_ = 1;
  at::Tensor said_, goal_, sent_;  // [d], kept between rounds
};

/// The meeting of mgrawa and lgrawa, said by `wire`: none, bf16 or fp16.
std::unique_ptr<Meeting> make_weighted_mean(const AlgorithmContext& context,
                                            WeightedMean::Groups groups, const std::string& name,
                                            bool with_sum, const std::string& wire);

}  // namespace valley
