#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "valley/algorithms/every_step.h"

namespace valley {

/// What methods have in common of which a random share of the values meets in every step: k =
/// ceil(s d) places, the same on all workers, drawn anew in every step from the seed of the run.
/// The others stay.
///
/// State: the number of steps; the places follow from seed and step.
class RandomValues : public EveryStepAlgorithm {
 public:
  RandomValues(std::string purpose, double share, uint64_t seed)
      : purpose_(std::move(purpose)), share_(share), seed_(seed) {}

 private:
  void do_after_step(const StepInfo& info, at::Tensor& x) final;

  /// All workers together: mine [k], this worker's values at the places, becomes what they shall
  /// be. `draw` is a seed of the step, the same on all workers.
  virtual void meet(at::Tensor& mine, uint64_t draw) = 0;

  std::string purpose_;
  double share_;
  uint64_t seed_;
};

}  // namespace valley
