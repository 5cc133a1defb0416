#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/pull_push.h"
#include "valley/comm/communicator.h"
#include "valley/schedule/period.h"
#include "valley/schedule/push.h"

namespace valley {

/// The options of all algorithms; each entry of the table names those it reads.
struct AlgorithmOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  int64_t bucket_bytes = 4 << 20;  ///< ssgd: gradients travel in buckets of about this size
};

/// What an algorithm may know of the run.
struct AlgorithmContext {
  Communicator& comm;
  int64_t total_steps = 1;
  int64_t steps_per_epoch = 1;
  std::function<double(int64_t)> learning_rate = {};  ///< of a step; asked by period qsr
  /// By layer, ||gradient|| of the loss at x on one more training batch, without augmentation and
  /// with the model in evaluation mode; leaves x, g and every random generator alone. Asked by
  /// mgrawa, once a round.
  std::function<std::vector<double>()> layer_gradient_norms = {};
};

struct AlgorithmEntry {
  std::string name;
  std::string summary;
  std::vector<std::string> options;  ///< the flags it reads, without dashes
  std::string cost;                  ///< of a round, in words, for docs and --help
  /// Values a worker puts into collectives in one round. (A push schedule that reaches 0 spares the
  /// exact variant its second vector in that round.)
  int64_t (*values_per_round)(int64_t d, const AlgorithmOptions&);
  std::unique_ptr<Algorithm> (*make)(const AlgorithmOptions&, const AlgorithmContext&);
  /// Counts all workers the same, so that workers with losses of their own find the minimum of the
  /// mean loss. Other methods lean towards the workers that they trust.
  bool impartial = true;
};

/// Every algorithm by name; `valley list algorithms`, --help, docs and contract tests read this
/// table.
const std::vector<AlgorithmEntry>& algorithms();

/// @throws UsageError for an unknown name (the nearest is offered).
const AlgorithmEntry& find_algorithm(const std::string& name);

}  // namespace valley
