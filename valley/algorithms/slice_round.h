#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "valley/algorithms/known_replicas.h"
#include "valley/algorithms/round.h"
#include "valley/algorithms/slice.h"

namespace valley {

/// The rounds of a slice of x [d]: begun, under way perhaps while steps are computed, come,
/// applied; one at a time. Compressed, they take place among replicas (known_replicas.h). With one
/// worker nothing is compressed.
///
/// Every function takes the whole x. State: what meeting and rule remember, with a compressor the
/// replicas, and what is pending.
class SliceRound {
 public:
  /// `compress` as make_compressor() takes it; "none" sends the vectors themselves. `droppable`:
  /// what is started and has not come is not in the state, which is that of before; if it fails, it
  /// fails in arrive().
  SliceRound(Round round, const std::string& compress, uint64_t seed, bool droppable = false,
             const Slice& slice = {});

  /// As those of RoundPart, meeting and rule one after the other.
  void prepare(int workers) { round_.prepare(workers); }
  void on_gradient(const StepInfo& info, const at::Tensor& x, const at::Tensor& g);
  void after_local_step(const StepInfo& info, int64_t period, const at::Tensor& x);

  /// A membership begins: what is remembered is forgotten.
  void join(Communicator& comm, const at::Tensor& x);

  /// The workers meet as they stand at x: at once; or from here on, while x moves. `number` is that
  /// of the round. They count by their weights, which are 1 in the mean; with others the vectors
  /// themselves are sent.
  void begin(const StepInfo& info, const at::Tensor& x, int64_t number, double weight = 1);
  void start(const StepInfo& info, const at::Tensor& x, int64_t number);

  /// begin() and apply(), in one where meeting and rule can.
  RoundReport round(const StepInfo& info, const at::Tensor& x, int64_t number);

  /// Waits until what was started has come. No bit depends on when that is.
  void arrive();

  bool under_way() const { return started_.has_value() || pending_.has_value(); }
  const StepInfo& begun() const { return started_ ? *started_ : pending_->begun; }
  const PendingRound& pending() const { return *pending_; }

  /// Moves x; what was pending is over.
  RoundReport apply(const at::Tensor& x);

  /// Moves `there`, a copy of x, and leaves all else as it is.
  void show(const at::Tensor& there) const;

  /// As Meeting::of_all().
  bool of_all() const { return round_.meeting().of_all(); }

  Rule& rule() const { return round_.rule(); }

  void append_to(AlgorithmState& state) const;
  void load(const AlgorithmState& state);

  /// As Algorithm::regroup(). A compressed round that is pending is dropped.
  bool regroup();

  bool compressed() const { return replicas_ != nullptr && comm_->size() > 1; }

 private:
  void require_none_under_way() const;
  void meet(const StepInfo& info, const at::Tensor& x, int64_t number, double weight = 1);
  void take(PendingRound met, const StepInfo& info, int64_t number);
  void label(PendingRound& met, const StepInfo& info, int64_t number) const;
  RoundReport move_all(PendingRound& met, at::Tensor& slice) const;
  RoundReport move(PendingRound& met, at::Tensor& slice) const;

  Round round_;
  std::unique_ptr<KnownReplicas> replicas_;  // where rounds are compressed
  Slice slice_;
  double share_ = 1;
  Communicator* comm_ = nullptr;
  std::optional<StepInfo> started_;  // under way
  int64_t started_number_ = 0;
  bool droppable_ = false;
  AlgorithmState before_;           // of the parts, as it was started
  std::exception_ptr failed_ = {};  // what was started, at once
  std::optional<PendingRound> pending_;
  mutable at::Tensor there_;  // like the slice; kept between rounds so that its pages stay mapped
};

}  // namespace valley
