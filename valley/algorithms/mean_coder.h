#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/comm/communicator.h"

namespace valley {

/// The mean over the workers of one vector v_m of each, of which less is said:
///
///     q_m = what is said of v_m,   v_m <- v_m - q_m,   out <- out + Q,   Q about (1/M) sum_m q_m
///
/// to the bit the same Q on all workers. Nothing is lost: what is not said stays in v_m, or with
/// the coder, and who adds it to the next v_m says it then. That is error feedback.
class MeanCoder {
 public:
  using Memory = std::vector<std::pair<std::string, at::Tensor*>>;

  virtual ~MeanCoder() = default;

  /// By name what a checkpoint holds of it; undefined tensors begin anew.
  virtual Memory memory() = 0;

  /// What it remembers is of another group of workers: what is of their number begins anew.
  virtual void regroup() {}

  /// All workers together, with v [d]; `draw` is another number each time. One at a time.
  virtual void start(Communicator& comm, const at::Tensor& v, int64_t draw) = 0;

  /// Waits for it. v is what was not said from here on, not before.
  virtual void finish(at::Tensor& out) = 0;
};

/// "powersgd-RANK", or a compressor as make_compressor() takes it.
/// @throws UsageError as check_wire() does, or if powersgd lacks the layers of the context.
std::unique_ptr<MeanCoder> make_mean_coder(const std::string& wire,
                                           const AlgorithmContext& context);

}  // namespace valley
