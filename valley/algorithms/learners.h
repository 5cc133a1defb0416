#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "valley/algorithms/ad_psgd.h"
#include "valley/algorithms/graph.h"
#include "valley/algorithms/spot.h"

namespace valley {

/// Who meets whom in ad-psgd, and where each stands: a worker, or a super-learner of several whose
/// ranks follow each other and whose first stands for them.
class Learners {
 public:
  Learners(const AdPsgdOptions& options, uint64_t seed)
      : size_(static_cast<int>(options.super_learner)), seed_(seed), graph_(options, seed) {}

  /// @throws UsageError as graph_of()
  void prepare(int workers) { graph_.prepare(workers); }

  /// All workers together: a membership begins, in which nobody stands anywhere yet.
  void gather(Communicator& comm);

  bool placed() const { return spots_ != nullptr; }

  /// All workers together: this one's learner stands at x, which becomes its own.
  void place(at::Tensor x);

  /// Whether this worker moves its learner.
  bool leads() const { return rank_ % size_ == 0; }

  /// Where this worker's learner stands.
  Spot& mine() const { return spot(rank_ / size_); }

  /// Whom this worker is to ask in a step; null: nobody.
  Spot* asked(int64_t step) const;

  /// x <- where the learner stands, the same for all its workers. Cost: d values in a
  /// super-learner.
  void read(at::Tensor& x) const;

  /// g <- its mean over the learner's workers. Cost: d values in a super-learner.
  void mean(at::Tensor& g) const;

 private:
  Spot& spot(int learner) const { return (*spots_)[static_cast<size_t>(learner * size_)]; }

  int size_;
  uint64_t seed_;
  GraphFor graph_;
  Communicator* comm_ = nullptr;
  int rank_ = 0;
  std::unique_ptr<Communicator> group_;  // of a super-learner
  std::vector<int> partners_;
  std::shared_ptr<Spots> spots_;
};

}  // namespace valley
