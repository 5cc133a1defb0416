#pragma once

#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct DsgdAcOptions {
  std::string topology = "ring";    ///< make_topology() takes it
  bool lazy = false;                ///< mix with (I + P) / 2
  std::optional<double> fade = {};  ///< p; 3 unless given
  double fade_to = 0;               ///< the least gamma
};

template <typename V>
void visit(DsgdAcOptions& o, V& v) {
  v(kTopology, o.topology);
  v(kLazy, o.lazy);
  v(kFade, o.fade);
  v(kFadeTo, o.fade_to);
}

/// DSGD-AC: dpsgd in the order awc, whose mixing falls with the learning rate, so that the workers
/// stay apart at the end of a run instead of being drawn together by small steps.
///
///     x_j <- x_j + gamma_t (sum_k P_jk x_k - x_j) - alpha g_j(x_j)
///
/// gamma_t is 1 until the warm-up is over and gmin + (1 - gmin) (alpha_t / alpha_start)^p from then
/// on (fading.h); p is --fade, gmin --fade-to. p = 0 is dpsgd with --mixing awc, bit for bit.
///
/// Cost of a step: d values to every neighbour; on the complete graph one all-reduce of d. Memory:
/// d for every neighbour, 3 d more. State: the number of steps.
///
/// Reference: arXiv:2602.02899, version 2: the schedule and p = 3, gmin = 0; there the warm-up
/// lasts 10 of 200 epochs and graphs are one-peer exponential, complete, and rings as two pairings
/// that take turns. What the fading does to the pull of dppf (--fade there) is ours to ask.
std::unique_ptr<Algorithm> make_dsgd_ac(const DsgdAcOptions&, const AlgorithmContext&);

}  // namespace valley
