#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/table.h"
#include "valley/comm/communicator.h"
#include "valley/compression/payload.h"

namespace valley {

/// Where a layer's parameters lie in the flat vector; they are a matrix where there are several
/// rows, one after the other, or a vector.
struct LayerRange {
  int64_t offset, size;
  int64_t rows = 1;

  MatrixShape shape() const { return {rows, size / rows}; }
};

/// That of a parameter: the first of several dimensions, of a convolution its channels out.
inline int64_t rows_of(const std::vector<int64_t>& shape) {
  return shape.size() > 1 ? std::max<int64_t>(1, shape[0]) : 1;
}

/// What an algorithm may know of the run. Who the workers are it learns by join().
struct AlgorithmContext {
  int64_t total_steps = 1;
  int64_t steps_per_epoch = 1;
  uint64_t seed = 0;  ///< of the run: random topologies and noise follow from it
  std::function<double(int64_t)> learning_rate = {};  ///< of a step; asked by period qsr and others
  int64_t warmup_steps = 0;  ///< the first steps, in which it warms up; asked by period qsr
  double beta1 = 0.9, beta2 = 0.999;    ///< of Adam, for methods that own the whole update
  std::vector<LayerRange> layers = {};  ///< one for every parameter tensor; asked by lgrawa, and
                                        ///< their rows by wire powersgd-RANK
  /// By layer, ||gradient|| of the loss at x on one more training batch, without augmentation and
  /// with the model in evaluation mode; leaves x, g and every random generator alone. Asked by
  /// mgrawa and lgrawa, once a round.
  std::function<std::vector<double>()> layer_gradient_norms = {};
  /// What the local optimizer remembers, to be written to: vectors of d values together or several
  /// times d, in the same order on all workers; and how it forgets all of it. Asked by methods of
  /// rounds with an `optimizer-state` other than local.
  std::function<std::vector<at::Tensor>()> optimizer_state = {};
  std::function<void()> reset_optimizer = {};
  /// Above 0: slow workers do fewer local steps, at least this share of a period's; see
  /// fewer_steps.h. Then the seconds that this worker has spent on local steps so far, of a loop
  /// that asks rests().
  double fewer_steps = 0;
  std::function<double()> worked_seconds = {};
  /// The workers may be lost one by one: a round that is under way is none of state(), but as if it
  /// had not been begun, and what fails in it fails where it is applied.
  bool come_and_go = false;
};

/// A worker's part of the algorithm `name`; with empty options, the defaults of its row.
/// @throws UsageError for an unknown name, options of another algorithm, or those that
///     check_algorithm() refuses; or if the context lacks what the algorithm asks for.
std::unique_ptr<Algorithm> make_algorithm(const std::string& name, const AlgorithmOptions& options,
                                          const AlgorithmContext& context);

}  // namespace valley
