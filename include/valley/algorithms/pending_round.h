#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"
#include "valley/comm/squared_norms.h"

namespace valley {

/// A round that is begun and not applied yet: what the workers have learned of each other.
struct PendingRound {
  at::Tensor sum = {};  ///< sum_m x_m [d] as they met; undefined where nobody asked. The rule may
                        ///< overwrite it, and the next meeting does
  at::Tensor center = {};  ///< what this worker is drawn to [d], or every worker m, row m of [M,
                           ///< d]; undefined: the mean
  at::Tensor sent = {};    ///< where this worker stood for the others [d]; undefined: at x as it is
  int workers = 1;
  double share = 1;  ///< of the values of x; below 1 where a slice meets
  std::optional<SquaredNorms> norms =
      {};                         ///< of x against the mean, where x still stands as it was sent
  Communicator* again = nullptr;  ///< for a rule that must ask the workers once more
  StepInfo begun = {};            ///< the step in which it was begun
  int64_t number = 0;             ///< of the round, as the meeting knows it; not in a checkpoint

  /// What worker m has learned, where all know what all have: with its own center.
  PendingRound of(int64_t m) const;

  /// With a sum of its own, which a rule may overwrite.
  PendingRound copy() const;

  /// The vector that this worker is drawn to is goal() / shares().
  const at::Tensor& goal() const { return center.defined() ? center : sum; }
  int shares() const { return center.defined() ? 1 : workers; }

  /// Into a checkpoint and from it, without the share, the norms, the number and whom to ask again;
  /// nothing where none was pending.
  void append_to(AlgorithmState& state) const;
  static std::optional<PendingRound> load(const AlgorithmState& state);
};

}  // namespace valley
