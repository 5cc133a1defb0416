#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct AdPsgdOptions {
  std::string topology = "ring";
  int64_t super_learner = 1;  ///< workers that train as one
};

template <typename V>
void visit(AdPsgdOptions& o, V& v) {
  v(kTopology, o.topology);
  v("super-learner", o.super_learner, at_least(1),
    "workers, one after the other, whose mean gradient takes every step and who meet others as one",
    kYounger);
}

/// AD-PSGD, asynchronous decentralised SGD: nobody waits for a slower worker.
///
///     a gradient g_i is computed at x_i as it was last read; meanwhile, if i is active,
///         x_i, x_k <- (x_i + x_k) / 2        k a random neighbour, both changed at one moment
///     x_i <- x_i - alpha g_i                 the local optimizer's step, added to x_i as it is now
///
/// "- alpha g" stands for the local optimizer's step. The graph has two sides: workers of the
/// active one ask for meetings, those of the passive one are only asked, so that nobody can wait
/// for a worker that waits for him. The mean of the workers moves by exactly 1/M of every step: no
/// update is lost, however the meetings fall. Each meeting runs on a thread of its own.
///
/// Workers are threads of one process and meet in its memory. What they meet is a matter of timing:
/// a run that is repeated, or resumed from its checkpoint, takes another course. A worker still
/// does its own number of steps and its own share of the data; all wait for each other at the end
/// of an epoch (evaluation, a wish to stop). A faster worker counts for more in between.
///
/// With super-learners of N workers, hierarchical AD-PSGD, the graph is of these: N workers whose
/// ranks follow each other stand at one place, where
///
///     x_S <- x_S - alpha (1/N) sum over its workers of g_m(x_S)
///
/// They wait for each other in every step, and nobody else. The first of them meets for all.
///
/// Cost of a step: 2 d values for an active worker, d there and d back, counted there; none for a
/// passive one. In a super-learner its first has that, and each of its workers 2 d. Memory: 2 d.
/// State: the number of steps and where the worker stands, to which others may have moved it after
/// x was read.
///
/// Reference: Lian, Zhang, Zhang and Liu, "Asynchronous Decentralized Parallel Stochastic Gradient
/// Descent", ICML 2018, arXiv:1710.06952. Super-learners: Zhang et al., "A Highly Efficient
/// Distributed Deep Learning System for Automatic Speech Recognition", Interspeech 2019,
/// arXiv:1907.05701, there the GPUs of a machine; in words alone, the formula is our reading.
///
/// @throws UsageError if the topology changes over time, is directed, or has a cycle of odd length,
/// or
///     super-learners do not divide the workers.
std::unique_ptr<Algorithm> make_ad_psgd(const AdPsgdOptions&, const AlgorithmContext&);

}  // namespace valley
