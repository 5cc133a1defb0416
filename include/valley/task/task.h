#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace valley {

/// A figure that a model is judged by: the mean of something over the examples.
struct ScoreInfo {
  std::string_view name;  ///< as records and tables have it: "loss", "accuracy"
  bool more_is_better = false;
};

/// What a network is trained for: the loss of its output, the scores that people read, and what it
/// must return. A task knows no model, no data set and no worker; it has no state, and is the same
/// for all.
class Task {
 public:
  virtual ~Task() = default;

  virtual std::string_view name() const = 0;

  /// The first is the loss. Their order is that of add_scores().
  virtual std::span<const ScoreInfo> scores() const = 0;

  /// Which of them tables and bars lead with.
  virtual size_t headline() const = 0;

  /// What the output for one example is, in words: "logits [batch, classes]".
  virtual std::string_view output() const = 0;

  /// @throws UsageError if `output` is none for these targets; `which` names it, "logits" say.
  virtual void check(const at::Tensor& output, const at::Tensor& target,
                     const std::string& which) const = 0;

  /// The mean loss of a batch, a scalar that can be differentiated. Not checked.
  virtual at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const = 0;

  /// Adds the batch's sum of every score over its examples to `sums`, as many as scores().
  virtual void add_scores(const at::Tensor& output, const at::Tensor& target,
                          std::span<double> sums) const = 0;
};

/// Every task by name.
const std::vector<const Task*>& tasks();

/// @throws UsageError for an unknown name (the nearest is offered).
const Task& find_task(const std::string& name);

}  // namespace valley
