#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/state.h"
#include "valley/algorithms/streaming.h"

namespace valley {

/// Slice `index` of `count` of a flat vector, by default all of it.
struct Slice {
  int64_t index = 0, count = 1;

  at::Tensor of(const at::Tensor& x) const;  ///< a view of its values

  double share(const at::Tensor& x) const { return double(of(x).numel()) / double(x.numel()); }

  /// What it is to know of a run with d values.
  AlgorithmContext of(AlgorithmContext context, int64_t d) const;

  /// Its own entries of a checkpoint, into that of all and from it: under names of their own where
  /// there are several.
  void append(const AlgorithmState& own, AlgorithmState& all) const;
  AlgorithmState entries(const AlgorithmState& all) const;

 private:
  int64_t begin(int64_t d) const { return fragment_begin(index, count, d); }
  int64_t end(int64_t d) const { return fragment_begin(index + 1, count, d); }
  std::string prefix() const;
};

}  // namespace valley
