#pragma once

#include <vector>

#include "valley/algorithms/state.h"

namespace valley {

/// The weights of GRAWA: how much a worker's parameters count in the mean, the more the smaller its
/// gradient is.
///
///     G <- b G + (1 - b) G_new,   b = 0.43,   weight = (1 - b^n) / G    in round n = 1, 2, ...
///
/// one G for every group of parameters (all of them, or each layer). Norms are held within
/// [1e-12, 1e12], so that a zero gives its worker (nearly) all weight and no infinity; a norm that
/// is no number counts as the largest.
class GradientWeights {
 public:
  /// The weights after one more round with these norms, [groups].
  std::vector<double> next(const std::vector<double>& norms);

  void reset();

  /// [1 + groups]: n, G before the correction.
  at::Tensor state() const;
  /// @throws UsageError if the entry is missing or damaged.
  void load_state(const AlgorithmState& state, const std::string& name);

 private:
  double rounds_ = 0;
  std::vector<double> norms_;
};

}  // namespace valley
