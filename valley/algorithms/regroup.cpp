// Another group of workers goes on: what is remembered of single ones, or by their number, begins
// anew, from what all know.
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "valley/algorithms/known_replicas.h"
#include "valley/algorithms/mean_of_moves.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/slices.h"
#include "valley/algorithms/weighted_by_wire.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {

bool WireMean::regroup() {
  if (workers_ == 1) return false;
  e_ = at::zeros({size_}, r_.options());
  return coder_->drops();
}

bool WeightedByWire::regroup() {
  const bool anew = center_.regroup();
  return (with_sum() && mean_.regroup()) || anew;
}

bool MeanOfMoves::regroup() {
  if (workers_ == 1) return false;
  e_.zero_();
  coder_->regroup();
  return true;
}

void KnownReplicas::regroup(int workers) {
  k_ = k_[0].unsqueeze(0).expand({workers, k_.size(1)}).contiguous().clone();
}

bool SliceRound::regroup() {
  const bool anew = round_.regroup();
  if (!compressed()) return anew;
  replicas_->regroup(comm_->size());
  pending_.reset();
  return true;
}

bool Slices::begun(int64_t until_step) const {
  return std::any_of(slices_.begin(), slices_.end(), [&](const SliceRound& slice) {
    return slice.under_way() && slice.begun().step <= until_step;
  });
}

bool Slices::regroup() {
  bool anew = false;
  for (SliceRound& slice : slices_) anew = slice.regroup() || anew;
  return anew;
}

bool RoundsAlgorithm::regroup(int64_t step) {
  first_step_ = step;
  return slices_->regroup();
}

}  // namespace valley
