#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace valley {

/// Who has which training examples: all workers all of them, or every worker a part of its own that
/// it keeps through the whole run. Parts whose classes differ are the usual way to make the workers
/// disagree on purpose.
///
/// `iid`: no parts; all examples are dealt out anew every epoch (see Sampler).
///
/// `dirichlet:ALPHA`: parts of equal size (by at most one) whose classes differ. Worker m has
/// a taste g_mc ~ Gamma(ALPHA) for class c, independent of all others, and the workers take
/// turns, each drawing one of the examples nobody has yet with a probability proportional to
///
///     g_mc,    c the example's class
///
/// until none is left. For one class, the normalised tastes of all workers are a draw of the
/// symmetric Dirichlet distribution with concentration ALPHA; so are, for one worker, those for
/// all classes. A large ALPHA gives all workers the same mixture; a small one gives each few
/// classes. Equal parts are a constraint that such a draw knows nothing of: taking turns meets it,
/// and a worker whose favourite class has run out takes its next one.
///
/// `shards:K`: the examples in the order of their classes (at random within one) are cut into
/// M K pieces of equal size (by at most one), and every worker gets K of them at random. A
/// piece no longer than a class holds one class or two. The parts' sizes differ by at most K.
///
/// Cost: N draws over C classes.
///
/// References: equal parts with classes from a Dirichlet distribution: Hsu, Qi and Brown,
/// "Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification",
/// 2019, arXiv:1909.06335 (there a client draws all it needs before the next one begins; taking
/// turns is ours). Shards: McMahan, Moore, Ramage, Hampson and Aguera y Arcas,
/// "Communication-Efficient Learning of Deep Networks from Decentralized Data", AISTATS 2017,
/// arXiv:1602.05629.
enum class PartitionKind { kIid, kDirichlet, kShards };

struct PartitionSpec {
  PartitionKind kind = PartitionKind::kIid;
  double alpha = 1;    ///< of kDirichlet: concentration, above 0
  int64_t shards = 2;  ///< K of kShards: pieces a worker, at least 1
  uint64_t seed = 0;   ///< of all draws

  bool operator==(const PartitionSpec&) const = default;
};

/// "iid", "dirichlet:0.3", "shards:2", as --partition takes it; seed 0.
/// @throws UsageError for an unknown name (the nearest is offered), a missing number or one out of
///     range.
PartitionSpec parse_partition(const std::string& text);

/// What parse_partition reads; without the seed.
std::string to_string(const PartitionSpec& spec);

/// partition[m]: the indices of worker m's examples, ascending. Empty: all share all (`iid`).
using Partition = std::vector<std::vector<int64_t>>;

/// The parts of `workers` workers; every example is in exactly one. The same on every worker, since
/// all is drawn from spec.seed. `targets` [N] int64 in [0, classes).
/// @throws UsageError if there are fewer examples than workers or shards, or a class has none.
Partition make_partition(const at::Tensor& targets, int64_t classes, int workers,
                         const PartitionSpec& spec);

/// counts[m][c]: how many examples of class c worker m has.
struct ClassHistogram {
  std::vector<std::vector<int64_t>> counts;  // [M, classes]
};

ClassHistogram class_histogram(const at::Tensor& targets, int64_t classes,
                               const Partition& partition);

/// Lines for a person, the last without a line end:
///
///     worker  samples  class 0  1  2
///          0        5        3  2  0
///          1        4        0  1  3
///
/// Of more than 20 classes only how many a worker has, and the largest one's share.
std::string histogram_table(const ClassHistogram& histogram);

}  // namespace valley
