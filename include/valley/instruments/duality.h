#pragma once

#include <string>
#include <vector>

#include "valley/instruments/duality_options.h"
#include "valley/instruments/run_facts.h"

namespace valley {

/// A direction of a layer's weights: an eigenvector of the Hessian of the training loss.
struct GapDirection {
  double eigenvalue = 0, residual = 0;
  double correlation = 0, sigma_w = 0, sigma_g = 0, mean_w = 0, mean_g = 0;
  double contribution = 0;  ///< to the gap, a loss
};

/// Which directions of a dense layer's weights the gap between test and training loss of a finished
/// run comes from, by activity-weight duality. Every test example k is paired with the training
/// example nearest to it in its inputs, of its class where there are classes, and the layer's
/// weights W + dW_k give that one its loss:
///
///     dW_k = (W da_k) a_k^T / ||a_k||^2,    g_k = (l(x'_k) - l(x_k)) dW_k / ||dW_k||^2
///     gap  = mean_k g_k . dW_k = sum_n (c_n sigma_w,n sigma_g,n + mean_w,n mean_g,n) + rest
///
/// with a_k and a_k + da_k what the layer is given, and mean, deviation and correlation over the
/// pairs of g_k . u_n and dW_k . u_n.
///
/// Reference: Feng, Zhang and Tu, Nature Machine Intelligence 5, 2023, arXiv:2203.10736.
struct DualityResult {
  RunFacts run = {};
  DualityOptions options = {};
  std::string layer = {};
  int64_t weights = 0;                        ///< of the layer
  int64_t pairs = 0, left_out = 0;            ///< the latter: of a training activity of 0
  double train_loss = 0, test_loss = 0;       ///< over the examples
  double gap = 0, rest = 0;                   ///< of the pairs
  std::vector<GapDirection> directions = {};  ///< the sharpest first
};

/// Cost: a gradient an example, and at most max(60, 2 K) products with the Hessian for K
/// directions. `threads` share the latter; 0: one a core. Memory: n_train n_test distances.
/// @throws UsageError if the run learnt from text or has no such layer; Stopped soon after
///     *watch.stop has become true.
DualityResult measure_duality(const FinishedRun& run, const DualityOptions& options,
                              int threads = 0, const InstrumentWatch& watch = {});

Json to_json(const DualityResult& result);

}  // namespace valley
