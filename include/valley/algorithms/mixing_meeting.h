#pragma once

#include <cstdint>

#include "valley/algorithms/graph.h"
#include "valley/algorithms/mixing.h"
#include "valley/algorithms/round_parts.h"

namespace valley {

/// A meeting with the neighbours of a graph: worker m is drawn to
///
///     x_C,m = sum_k P(m, k) x_k            P that of the round
///
/// or to what it knows of them. Nobody learns the mean of all, unless P is their average.
class NeighbourMeeting : public Meeting {
 public:
  void prepare(int workers) override { graph_.prepare(workers); }
  PendingRound among(Communicator& comm, const at::Tensor& all, int64_t round) override;
  bool of_all() const override { return false; }

 protected:
  explicit NeighbourMeeting(GraphFor graph) : graph_(std::move(graph)) {}

  const MixingMatrix& matrix(int64_t round) { return graph_.matrix(round); }

 private:
  GraphFor graph_;
};

/// The weights themselves are sent (mixing.h). With several gossips a round, round r is
/// P(r G + G - 1) .. P(r G); where it is started, the first of them travels.
///
/// Cost of a gossip: d values to every neighbour; where P is the average of all, one all-reduce of
/// d. Memory: d for every neighbour, d more where it travels or there are several. State: none.
class Mixing : public NeighbourMeeting {
 public:
  explicit Mixing(GraphFor graph, int64_t gossips = 1)
      : NeighbourMeeting(std::move(graph)), gossips_(gossips) {}

  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override { return go_on(mixer_.finish()); }

 private:
  PendingRound go_on(PendingRound met);

  int64_t gossips_;
  Mixer mixer_;
  at::Tensor mixed_;  // [d], by several
  Communicator* comm_ = nullptr;
  int64_t round_ = 0;
};

/// The rule of the decentralised methods: all the way to where the worker is drawn to,
///
///     x <- x_C                 or, if x has moved since it was sent, x <- x + (x_C - sent)
class AllTheWay : public Rule {
 public:
  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override;

 private:
  at::Tensor way_;  // [d]
};

}  // namespace valley
