#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/algorithms/rounds.h"
#include "valley/algorithms/slice_round.h"

namespace valley {

/// The slices of x that meet one after the other, each with rounds of its own; one of all of x
/// where nobody asked for more.
class Slices {
 public:
  Slices(Round round, const AlgorithmContext& context, const std::string& compress);

  /// @throws UsageError for more than the layers of the context have values, if it has layers.
  Slices(RoundMaker make, const AlgorithmContext& context, const std::string& compress,
         int64_t count);

  int64_t size() const { return count_; }
  SliceRound& operator[](int64_t f) { return slices_[static_cast<size_t>(f)]; }

  // Of all of them.
  void prepare(int workers);
  void join(Communicator& comm, const at::Tensor& x);
  void on_gradient(const StepInfo& info, const at::Tensor& x, const at::Tensor& g);
  void after_local_step(const StepInfo& info, int64_t period, const at::Tensor& x);
  const PendingRound& begin(const StepInfo& info, const at::Tensor& x, int64_t number);
  RoundReport apply(const at::Tensor& x);
  void arrive();
  at::Tensor view(const at::Tensor& x) const;
  bool of_all() const;  // as Meeting's, of all of x and not compressed
  void append_to(AlgorithmState& state) const;
  void load(const AlgorithmState& state);
  bool regroup();

  /// Whether what was begun in that step or before is under way.
  bool begun(int64_t until_step) const;

  /// Whether a round is sent at once, whatever the delay.
  bool compressed() const { return slices_.front().compressed(); }

  /// Applies what was begun in that step or before; none if nothing was.
  std::optional<RoundReport> apply_begun(int64_t until_step, const at::Tensor& x);

 private:
  RoundMaker make_;  // empty: one slice, made
  AlgorithmContext context_;
  std::string compress_;
  int64_t count_ = 1;
  std::vector<SliceRound> slices_;  // one before the first join()
};

}  // namespace valley
