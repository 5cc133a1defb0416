#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "valley/algorithms/round_parts.h"

namespace valley {

/// Which workers take part in a round: ceil(share M) of M, drawn anew in every round from the seed
/// of the run, so that all know.
class Participants {
 public:
  Participants(double share, uint64_t seed) : share_(share), seed_(seed) {}

  /// By rank.
  std::vector<bool> of(int64_t round, int workers) const;

 private:
  double share_;
  uint64_t seed_;
};

/// The mean over those who take part, of what each of them has to say; the others hear it too.
///
///     x_A = (1/|S|) sum_{m in S} said_m
///
/// Cost of a round: one all-reduce of as many values as are said. Memory: those. State: that of the
/// method.
class MeanOfSome : public Meeting {
 public:
  explicit MeanOfSome(Participants participants) : participants_(participants) {}

  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;

 protected:
  /// What this worker says; asked of those who take part. x itself by default.
  virtual at::Tensor say(const at::Tensor& x) { return x; }

  /// On all workers: the sum over the `speakers`, of whom this worker is one or not. It begins with
  /// the values of x.
  virtual void hear(const at::Tensor& sum, int speakers, bool spoke) {
    (void)sum, (void)speakers, (void)spoke;
  }

  /// How many values are said of d.
  virtual int64_t said(int64_t d) const { return d; }

 private:
  Participants participants_;
  at::Tensor sum_;
};

}  // namespace valley
