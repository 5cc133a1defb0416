#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/pull_push.h"
#include "valley/comm/communicator.h"
#include "valley/schedule/period.h"
#include "valley/schedule/push.h"

namespace valley {

/// In which order a decentralised step mixes and steps; see dpsgd.h.
enum class MixingOrder { kAwc, kAtc, kCta };

/// "awc", "atc" or "cta". @throws UsageError for any other name, with the nearest one.
MixingOrder parse_mixing_order(const std::string& name);

/// Where choco's replicas begin; see choco.h.
enum class Replicas { kInitial, kZero };

/// The options of all algorithms; each entry of the table names those it reads.
struct AlgorithmOptions {
  PullPushOptions pull_push = {};
  PushShape push_schedule = PushShape::kConstant;
  PeriodSpec period = {};
  int64_t bucket_bytes = 4 << 20;       ///< ssgd: gradients travel in buckets of about this size
  double moving_rate = 0.9;             ///< easgd: beta
  double leader_pull = 0;               ///< lsgd: p, of every local step together over a period
  std::optional<double> outer_lr = {};  ///< slowmo, diloco; else the method's own
  std::optional<double> outer_momentum = {};  ///< likewise

  std::string topology = "ring";  ///< decentralised methods: make_topology() takes it
  MixingOrder mixing = MixingOrder::kAtc;
  bool lazy = false;                       ///< mix with (I + P) / 2
  double quasi_momentum = 0.9;             ///< qg-dsgdm: beta
  double tracking_momentum = 0;            ///< dsgtm-tv: beta
  std::string compress = "top-k:0.1";      ///< choco: make_compressor() takes it
  double consensus_step = 0.1;             ///< choco: gamma
  Replicas replicas = Replicas::kInitial;  ///< choco: where xh begins
  double noise = 0.1;                      ///< ssgd-noise: s_0
};

/// Where a layer's parameters lie in the flat vector.
struct LayerRange {
  int64_t offset, size;
};

/// What an algorithm may know of the run. Who the workers are it learns by join().
struct AlgorithmContext {
  int64_t total_steps = 1;
  int64_t steps_per_epoch = 1;
  uint64_t seed = 0;  ///< of the run: random topologies and noise follow from it
  std::function<double(int64_t)> learning_rate = {};  ///< of a step; asked by period qsr and others
  int64_t warmup_steps = 0;  ///< the first steps, in which it warms up; asked by period qsr
  std::vector<LayerRange> layers = {};  ///< one for every parameter tensor; asked by lgrawa
  /// By layer, ||gradient|| of the loss at x on one more training batch, without augmentation and
  /// with the model in evaluation mode; leaves x, g and every random generator alone. Asked by
  /// mgrawa and lgrawa, once a round.
  std::function<std::vector<double>()> layer_gradient_norms = {};
};

/// One round of one worker, as far as its bytes depend on it.
struct RoundCost {
  int64_t d = 0;             ///< values of the flat vector
  int64_t element_size = 4;  ///< bytes
  int64_t layers = 1;
  int rank = 0;
  int workers = 2;
  uint64_t seed = 0;
  int64_t round = 0;  ///< counted from 0
};

struct AlgorithmEntry {
  std::string name;
  std::string summary;
  std::vector<std::string> options;  ///< the flags it reads, without dashes
  std::string cost;                  ///< of a round, in words, for docs and --help
  /// Bytes a worker of a group (not one alone: 0) hands to communication in one round. (A push
  /// schedule that reaches 0 spares the exact variant its second vector in that round.)
  int64_t (*bytes_per_round)(const RoundCost&, const AlgorithmOptions&);
  std::unique_ptr<Algorithm> (*make)(const AlgorithmOptions&, const AlgorithmContext&);
  /// Counts all workers the same, so that workers with losses of their own find the minimum of the
  /// mean loss. Other methods lean towards the workers that they trust.
  bool impartial = true;
  /// Where one worker alone does more than its optimizer does (momentum over the rounds, say): sets
  /// the options with which it does not.
  void (*plain_alone)(AlgorithmOptions&) = nullptr;
  /// Workers share memory and do not wait for each other: only as threads of one process, and a run
  /// that is repeated, or resumed, takes another course.
  bool asynchronous = false;
  /// Where the method feeds a momentum of its own into every gradient: its strength. With that of
  /// the local optimizer it must stay below 1, see require_stable_momentum().
  double (*momentum_in_gradient)(const AlgorithmOptions&) = nullptr;

  /// The momentum of the local optimizer where nobody gives one.
  double default_momentum() const { return momentum_in_gradient == nullptr ? 0.9 : 0; }
};

/// Every algorithm by name; `valley list algorithms`, --help, docs and contract tests read this
/// table.
const std::vector<AlgorithmEntry>& algorithms();

/// @throws UsageError for an unknown name (the nearest is offered).
const AlgorithmEntry& find_algorithm(const std::string& name);

/// A momentum within the gradient and one in the optimizer, mu, feed each other. Without a gradient
/// the displacements of qg-dsgdm follow
///
///     b <- mu b + beta m,   m <- beta m + (1 - beta) b
///
/// which has an eigenvalue above 1, so that x runs away wherever the loss is flat, as soon as
/// mu + beta exceeds 1; at 1 nothing ever dies away.
///
/// @throws UsageError unless mu + beta < 1, where the method has a momentum of its own.
void require_stable_momentum(const std::string& name, const AlgorithmOptions& options,
                             double optimizer_momentum);

/// Whether `workers` workers could run `name` with these options, before any of them starts.
/// @throws UsageError what make() and prepare() would throw.
void check_algorithm(const std::string& name, const AlgorithmOptions& options, int workers,
                     uint64_t seed);

}  // namespace valley
