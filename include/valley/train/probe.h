#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "valley/record/json_file.h"

namespace valley {

/// What a worker shows a probe between two steps. Nothing of it may be written to.
struct ProbePoint {
  at::Tensor x;              ///< [d], its own weights
  at::Tensor average;        ///< [d], of all workers' weights
  double learning_rate = 0;  ///< of the last step
  double pull = 0;           ///< alpha of the last round; 0 with push 0: there was none
  double push = 0;           ///< lambda of the last round
  /// BatchNorm's statistics re-estimated for the average, in the order of FlatParameters. All
  /// workers call it together, or none.
  std::function<at::Tensor()> buffers;
};

struct ProbeResult {
  Json figures;       ///< an object, for the record; the same on all workers
  std::string text;   ///< what a person is told of it
  double passes = 0;  ///< what it took, in forward passes over the probe's examples
};

/// Looks at the workers of a run while they train, and changes nothing: not a weight, not a draw.
/// The models it computes with are its own; what it draws of LibTorch's random numbers, the trainer
/// gives back.
class Probe {
 public:
  virtual ~Probe() = default;

  /// Called by all workers together. Must not throw but for what ends the run: CommError.
  virtual ProbeResult measure(const ProbePoint& point) = 0;
};

}  // namespace valley
