#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "valley/train/run_config.h"

namespace valley {

/// How the learning rate follows the examples of a step of all workers together.
enum class ScaleRule { kLinear, kSquareRoot };

/// @throws UsageError for another name than "linear" and "square-root" (the nearest is offered).
ScaleRule parse_scale_rule(const std::string& name);

/// With how many workers, and examples a step of each, settings were found.
struct ScaleFrom {
  int64_t workers = 1;
  int64_t batch_size = 0;  ///< 0: as many as now
};

/// Reads "WORKERS" or "WORKERSxBATCH". @throws UsageError
ScaleFrom parse_scale_from(std::string_view text);

/// Settings that were found with M0 workers and batches of B0, for the M and B of the
/// configuration:
///
///     k    = M B / (M0 B0)
///     f    = k (linear) or sqrt(k) (square root)
///     lr   <- f lr
///     tau  <- max(1, round(tau / f))     the period, where it is constant or post-local; that of
///                                        qsr follows the learning rate by itself
///     K, K_warmup <- round(K / k)        --steps and --warmup-steps: as many examples
///
/// so that a round comes after as much learning rate, f lr tau, as before. Pull and push, which are
/// of a round, stay what they are, and with them the predicted valley width, push / pull, which
/// depends on neither the number of workers nor the learning rate; the pull of easgd is its moving
/// rate over M already. What has changed is said in `changes`, a sentence a setting.
///
/// References: linear: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour",
/// 2017, arXiv:1706.02677 (with a warm-up). Square root: Krizhevsky, "One weird trick for
/// parallelizing convolutional neural networks", 2014, arXiv:1404.5997; of Adam: Malladi, Lyu,
/// Panigrahi and Arora, "On the SDEs and scaling rules for adaptive gradient algorithms", NeurIPS
/// 2022, arXiv:2205.10382. That the period follows is ours.
RunConfig scaled(RunConfig config, const ScaleFrom& from, ScaleRule rule,
                 std::vector<std::string>& changes);

}  // namespace valley
