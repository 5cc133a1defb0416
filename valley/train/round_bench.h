#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/comm/traffic.h"
#include "valley/train/round_bench_options.h"
#include "valley/train/run_config.h"

/// How long a round takes where it is measured, beside what it cannot do without.
namespace valley {

/// An operation of the communicator, as worker 0 sees it.
struct OperationTime {
  std::string name;
  double seconds = 0;                   ///< of a call, the median
  int64_t payload = 0;                  ///< bytes a call, as they are counted
  std::optional<Traffic> traffic = {};  ///< bytes of a call, over this worker's connections
};

/// A round of one method among `workers` workers, as worker 0 sees it: medians, in seconds.
struct RoundTimes {
  int workers = 1;
  int64_t parameters = 0;
  double round = 0;       ///< all hooks of its local steps, which compute nothing
  double all_reduce = 0;  ///< of as many float32 values, by the same communicator
  double pass = 0;        ///< over memory: reads x and the mean, writes x
  double copy = 0;        ///< of as many values from a vector to another, by all at once
  bool shares_memory = false;
  int64_t payload = 0;  ///< bytes a round
  std::optional<Traffic> traffic = {};
  std::vector<OperationTime> operations = {};

  /// What a round of averages cannot do without. Where workers share memory it reads every x twice,
  /// for the norms and to move, and writes it: 3 d values, of which a copy moves 2 d.
  double floor() const { return shares_memory ? 1.5 * copy : all_reduce + pass; }
};

/// Rounds of config.algorithm on random vectors that differ from worker to worker, as if each were
/// a network of ten layers of one size, with the gradient 0; all workers call it. One entry for
/// every size of options.parameters and every group of 2, 4, 8, ... workers, up to all. What is
/// compared takes turns.
///
/// Cost: options.turns rounds, all-reduces, and each of the other operations.
/// @throws UsageError if the method cannot be had so, or does without rounds
std::vector<RoundTimes> bench_rounds(const RunConfig& config, const RoundBenchOptions& options,
                                     Communicator& all);

}  // namespace valley
