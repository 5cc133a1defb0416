#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "valley/algorithms/options.h"
#include "valley/compression/payload.h"

namespace valley {

/// One round of one worker, as far as its bytes depend on it.
struct RoundCost {
  int64_t d = 0;             ///< values of the flat vector
  int64_t element_size = 4;  ///< bytes
  int64_t layers = 1;
  int rank = 0;
  int workers = 2;
  uint64_t seed = 0;
  int64_t round = 0;                     ///< counted from 0
  std::vector<MatrixShape> shapes = {};  ///< of the layers; asked by wire powersgd-RANK
  int64_t optimizer_vectors = 1;         ///< of d values, that the local optimizer remembers

  int64_t vector() const { return d * element_size; }  ///< bytes of x
};

/// What a method asks of the loop it is in, beside its hooks. A loop that is not Valley's own need
/// not give what is not asked for.
struct LoopNeeds {
  bool gradient = false;  ///< on_gradient() reads or changes g; otherwise g may be anything there
  bool loss = false;      ///< StepInfo::loss is read
  bool another_gradient = false;  ///< AlgorithmContext::layer_gradient_norms, once a round
};

/// What is known of an algorithm without LibTorch: all but how it is made (registry.h).
template <typename Options>
struct AlgorithmEntryOf {
  std::string name;
  std::string summary;
  std::string cost;  ///< of a round, in words, for docs and --help
  /// Bytes a worker of a group (not one alone: 0) hands to communication in one round. (A push
  /// schedule that reaches 0 spares the exact variant its second vector in that round.)
  int64_t (*bytes_per_round)(const RoundCost&, const Options&) = nullptr;
  /// Whether `workers` workers could run it with these options, beyond the ranges of visit().
  /// @throws UsageError
  void (*check)(const Options&, int workers, uint64_t seed) = nullptr;
  /// Counts all workers the same, so that workers with losses of their own find the minimum of the
  /// mean loss. Other methods lean towards the workers that they trust.
  bool impartial = true;
  /// Takes a mean of the workers in which they can count by their local steps, see fewer_steps.h.
  bool weighs = false;
  /// Where one worker alone does more than its optimizer does (momentum over the rounds, say): sets
  /// the options with which it does not.
  void (*plain_alone)(Options&) = nullptr;
  /// Workers share memory and do not wait for each other: only as threads of one process, and a run
  /// that is repeated, or resumed, takes another course.
  bool asynchronous = false;
  /// Where the method feeds a momentum of its own into every gradient: its strength. With that of
  /// the local optimizer it must stay below 1, see require_stable_momentum().
  double (*momentum_in_gradient)(const Options&) = nullptr;
  LoopNeeds needs = {};
  /// Takes the whole step by itself, in the place of the local optimizer, of which only the
  /// learning rate and the betas are read.
  bool owns_update = false;
  /// Whether before_gradient() moves x, with these options: the gradient must be taken after it.
  bool (*moves_first)(const Options&) = nullptr;
};

/// Values of algorithms' settings by key.
using MethodValues = std::vector<std::pair<std::string, SettingValue>>;

/// The same whatever the type of its options.
struct AlgorithmEntry {
  std::string name, summary, cost;
  AlgorithmOptions defaults;  ///< its settings are those it reads
  std::function<int64_t(const RoundCost&, const AlgorithmOptions&)> bytes_per_round;
  std::function<void(const AlgorithmOptions&, int workers, uint64_t seed)> check;
  bool impartial = true;
  bool weighs = false;
  std::function<void(AlgorithmOptions&)> plain_alone;  ///< may be empty
  bool asynchronous = false;
  std::function<double(const AlgorithmOptions&)> momentum_in_gradient;  ///< may be empty
  LoopNeeds needs = {};
  bool owns_update = false;
  std::function<bool(const AlgorithmOptions&)> moves_first;  ///< never empty

  /// The momentum of the local optimizer where nobody gives one.
  double default_momentum() const { return momentum_in_gradient ? 0 : 0.9; }

  /// The defaults with those of `values` that it reads.
  /// @throws UsageError for a value that means nothing.
  AlgorithmOptions with(const MethodValues& values) const;

  /// `options`, or the defaults for empty ones. @throws UsageError for those of another algorithm.
  AlgorithmOptions or_defaults(const AlgorithmOptions& options) const;
};

/// Every algorithm by name; `valley list algorithms`, --help, docs and contract tests read this
/// table.
const std::vector<AlgorithmEntry>& algorithms();

/// A setting that one row reads, or several: they agree on what it means.
struct MethodSetting {
  std::string key;
  std::string help = {};
  SettingType type = SettingType::kText;
  unsigned traits = kNoTraits;
  SettingValue value = {};  ///< the default
  std::vector<std::string> choices = {};
  std::vector<const AlgorithmEntry*> readers = {};
};

/// The settings of all rows, each key once: those that the first run folders had in the order of
/// their config.toml, then the others in the order of the rows.
const std::vector<MethodSetting>& method_settings();

/// Their defaults.
MethodValues default_method_values();

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
/// @throws UsageError
void check_algorithm(const std::string& name, const AlgorithmOptions& options, int workers,
                     uint64_t seed);

/// Whether slow workers may do fewer local steps with these options, see fewer_steps.h.
/// @throws UsageError for a method whose mean they would not count less in, or where what is sent
///     is not all of x as it is, at once.
void check_fewer_steps(const std::string& name, const AlgorithmOptions& options);

}  // namespace valley
