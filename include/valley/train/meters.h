#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "valley/algorithms/algorithm.h"
#include "valley/record/json_file.h"
#include "valley/train/summary.h"

namespace valley {

/// What one worker sums up while it trains. Saved with a checkpoint, so that a resumed run counts
/// on.
struct Meters {
  LossSum losses;                                  ///< over the steps of the epoch so far
  int64_t train_bytes = 0;                         ///< payload of the algorithm's own operations
  int64_t samples = 0;                             ///< this worker's
  double predicted_width = 0, pull = 0, push = 0;  ///< of the last round
  ProbeCost probes;
  bool reached = false;  ///< until_loss, at the last evaluation
  double first_loss = std::numeric_limits<double>::quiet_NaN();  ///< of this worker's first batch
  PhaseSeconds seconds;

  // What is of this process only, and not saved.
  std::optional<Loss> last_loss = {};        ///< of the last batch; none yet after a resume
  std::optional<double> last_distance = {};  ///< of the last round, likewise

  void add_loss(const Loss& loss);            ///< of a batch
  void add_round(const RoundReport& report);  ///< the last one's figures

  /// The mean loss since it was last taken. Waits for what is computed on a device, as to_json()
  /// does.
  double take_mean_loss();
};

Json to_json(const Meters& meters);

/// The inverse; what earlier versions did not write has its default.
Meters meters_from(const Json& json);

/// `first_loss` alone; NaN where there is none.
double first_loss_from(const Json& meters);

}  // namespace valley
