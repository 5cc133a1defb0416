#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "valley/topology/digraph.h"
#include "valley/topology/matrix.h"

namespace valley {

struct Neighbour {
  int rank;
  double weight;

  bool operator==(const Neighbour&) const = default;
};

/// What one worker must know of a step: its own row of P, and to whom it sends.
struct Neighbourhood {
  double self = 1;                 ///< the weight of its own values
  std::vector<Neighbour> receive;  ///< the rest of its row, ranks ascending
  std::vector<int> send;           ///< who receives from it, ascending

  bool operator==(const Neighbourhood&) const = default;
};

/// The row and column of worker `rank` in `p`.
Neighbourhood neighbourhood(const MixingMatrix& p, int rank);

/// Who talks to whom in every step, and with which weights: a sequence P(0), P(1), ... of mixing
/// matrices,
///
///     x_j <- sum_k P(t)(j, k) x_k.
///
/// All of it follows from the options and the seed, so workers that never talk about it agree.
/// Nothing is drawn from a running generator: P(t) is the same whenever and wherever it is asked,
/// and a resumed run needs no state.
class Topology {
 public:
  virtual ~Topology() = default;

  int workers() const { return workers_; }

  /// Some P(t) is not symmetric: someone sends to a worker that does not send back, or with another
  /// weight.
  virtual bool directed() const = 0;

  /// 1: always the same P. T: P(t + T) = P(t). 0: random, never repeats.
  virtual int64_t cycle() const = 0;

  /// Whether rows and columns of P sum to 1: then mixing keeps the mean. Otherwise only the
  /// columns do, and the mean is found with push-sum (column_stochastic()).
  virtual bool doubly_stochastic() const { return true; }

  /// P(t), t >= 0. Costs up to n^2 operations.
  virtual MixingMatrix matrix(int64_t t) const = 0;

  /// Who sends to whom in step t: the support of P(t). Methods that need weights of another kind
  /// make them with row_stochastic() and column_stochastic().
  Digraph graph(int64_t t) const { return support(matrix(t)); }

  /// Row and column `rank` of P(t).
  Neighbourhood neighbourhood(int64_t t, int rank) const {
    return valley::neighbourhood(matrix(t), rank);
  }

 protected:
  explicit Topology(int workers) : workers_(workers) {}

 private:
  int workers_;
};

/// The matrices one after the other, again and again; one matrix: a static topology. Doubly
/// stochastic if all of them are. @throws std::invalid_argument without matrices or with different
/// sizes.
std::unique_ptr<Topology> repeat(std::vector<MixingMatrix> matrices);

struct TopologyOptions {
  int workers = 1;
  uint64_t seed = 0;          ///< of the random ones
  std::string argument = {};  ///< what follows the colon in "name:argument"
};

struct TopologyEntry {
  std::string name;
  std::string summary;   ///< who takes part, and the weights
  std::string messages;  ///< that a worker sends in a step; of n workers
  std::unique_ptr<Topology> (*make)(const TopologyOptions&);
  std::string needs = {};       ///< of the number of workers, "a power of two"; empty: nothing
  std::string argument = {};    ///< what may stand after the colon, "PATH"; empty: nothing
  bool needs_argument = false;  ///< and it must stand there
};

/// Every topology by name; `valley list topologies`, --help, docs and contract tests read this
/// table.
const std::vector<TopologyEntry>& topologies();

/// The topology that --topology names: "ring", "random:0.3", "matrix:weights.txt".
/// The argument of `options` is set from the text.
/// @throws UsageError for an unknown name (the nearest is offered), an argument that is missing or
///     too many, a number of workers that the topology cannot have, a file that is wrong.
std::unique_ptr<Topology> make_topology(const std::string& name_and_argument,
                                        TopologyOptions options);

}  // namespace valley
