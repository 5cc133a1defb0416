#pragma once

#include <cstdint>

namespace valley {

/// Where a run is, in local steps of every worker, and what is due there.
struct RunClock {
  int64_t total_steps = 1;
  int64_t steps_per_epoch = 1;
  int64_t evaluate_every = 1;    ///< epochs; 0: only at the end
  int64_t checkpoint_every = 0;  ///< steps; 0: only at the end
  int64_t step = 0;              ///< steps done

  bool at_end() const { return step == total_steps; }
  double epoch() const { return double(step) / double(steps_per_epoch); }

  /// All below ask about the step that was just done.
  bool epoch_ends() const { return step % steps_per_epoch == 0; }

  /// An evaluation on the way; the one at the end is not among them.
  bool evaluation_due() const {
    return evaluate_every > 0 && epoch_ends() && (step / steps_per_epoch) % evaluate_every == 0 &&
           !at_end();
  }

  /// A checkpoint on the way; the one at the end need not be among them.
  bool checkpoint_due() const { return checkpoint_every > 0 && step % checkpoint_every == 0; }
};

}  // namespace valley
