#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

namespace valley {

/// What a checkpoint holds of an algorithm for one worker, by name.
using AlgorithmState = std::vector<std::pair<std::string, at::Tensor>>;

/// The entry `name`, of this dtype and this many values (-1: any number), in this machine's memory:
/// for values that are looked at.
/// @throws UsageError if there is none, or another dtype or number.
at::Tensor state_entry(const AlgorithmState& state, const std::string& name, at::ScalarType dtype,
                       int64_t numel);

/// The entry `name`, where it is; undefined if there is none.
at::Tensor optional_entry(const AlgorithmState& state, const std::string& name);

/// The entries of a part, under names that begin with `prefix` in those of the whole; and from
/// there.
void append_under(const std::string& prefix, const AlgorithmState& own, AlgorithmState& all);
AlgorithmState entries_under(const std::string& prefix, const AlgorithmState& all);

/// The vectors that a method remembers from step to step, by name, so that a checkpoint holds them
/// and a new start forgets them. They are the method's own and must outlive this.
class KeptVectors {
 public:
  void add(std::string name, at::Tensor& x) { vectors_.emplace_back(std::move(name), &x); }

  /// Appends them; one that is undefined, not needed yet, becomes an entry of no values.
  void append_to(AlgorithmState& state) const;

  /// All of them, or none: a copy of each entry. One of no values leaves what the method began
  /// with.
  /// @throws UsageError if one is missing.
  void load(const AlgorithmState& state);

  /// All become undefined.
  void forget();

 private:
  std::vector<std::pair<std::string, at::Tensor*>> vectors_;
};

}  // namespace valley
