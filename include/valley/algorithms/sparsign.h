#pragma once

#include <memory>

#include "valley/algorithms/options.h"
#include "valley/algorithms/shared_settings.h"

namespace valley {

struct SparsignOptions {
  double vote_budget = 1;      ///< B
  bool vote_majority = false;  ///< the sign of the votes alone
};

template <typename V>
void visit(SparsignOptions& o, V& v) {
  v("vote-budget", o.vote_budget, above(0),
    "B: the sign of a gradient's value is sent with probability min(1, B |value|)", kYounger);
  v("vote-majority", o.vote_majority,
    "steps along the sign of the majority, in place of the mean vote with error feedback",
    kYounger);
}

/// sparsign: every worker votes for the sign of a value of its gradient with a probability that
/// grows with the value, and keeps silent otherwise:
///
///     q_m[i] = sign(g_m[i]) with probability min(1, B |g_m[i]|), 0 otherwise
///     s = e + (1 / (B M)) sum_m q_m
///     g = mean|s| sign(s),   e <- s - g            what the optimizer gets, the same on all
///     workers
///
/// While B |g| is at most 1 the mean vote is the mean gradient, unbiased. With --vote-majority
/// g = sign(sum_m q_m), without e: three workers at -1, -1 and 10 with B = .1 go up with
/// probability .81, stay with .18, go down with .01; signs alone would always go down.
///
/// All workers count all votes, so that they come to the same g by themselves.
///
/// Cost of a step: an all-gather of 2 bits a value. Memory: 2 d and M d / 4 bytes. State: the
/// number of steps and e.
///
/// Reference: arXiv:2302.09634 for the votes, the majority, and that the server has error feedback;
/// that it takes the scaled sign of the mean vote is our reading.
std::unique_ptr<Algorithm> make_sparsign(const SparsignOptions&, const AlgorithmContext&);

}  // namespace valley
