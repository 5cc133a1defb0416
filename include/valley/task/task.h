#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "valley/core/scores.h"
#include "valley/task/classification_options.h"

namespace valley {

/// What an output must serve, and what an error calls it.
struct OutputDemand {
  int64_t examples = 0;             ///< in the batch
  at::Tensor targets;               ///< of the batch, or of a whole data set
  std::string output = {};          ///< "logits as output aux"; empty: Task::output()
  std::string model = "the model";  ///< who returned it
  std::string data = {};            ///< the data set that all targets are of; empty: a batch
  int64_t classes = 0;              ///< that it is said to have; its targets may show more
};

/// What a network is trained for: the loss of its output, the scores that people read, and what it
/// must return. A task knows no model, no data set and no worker; it has no state, and is the same
/// for all.
class Task {
 public:
  virtual ~Task() = default;

  /// Its name, and what its scores are: all that readers of its records know.
  virtual const ScoreSheet& sheet() const = 0;

  const std::string& name() const { return sheet().task; }

  /// What the output of a network is called: "logits".
  virtual std::string_view output() const = 0;

  /// @throws UsageError if `output` cannot serve the targets.
  virtual void check(const at::Tensor& output, const OutputDemand& demand) const = 0;

  /// The mean loss of a batch, a scalar that can be differentiated. Not checked.
  virtual at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const = 0;

  /// How many sums over examples its scores are made of, on data with these targets: one a score,
  /// and behind them what finish() needs beside.
  virtual size_t sums(const at::Tensor& targets) const {
    (void)targets;
    return sheet().scores.size();
  }

  /// Adds the batch's sum of every score over its examples to `sums`, in the order of the sheet.
  virtual void add_scores(const at::Tensor& output, const at::Tensor& target,
                          std::span<double> sums) const = 0;

  /// Makes scores of the means over all examples, where a score is none itself: a perplexity is the
  /// exp of a mean. The scores stand first.
  virtual void finish(std::span<double> means) const { (void)means; }

  /// The headline of the best answer that knows nothing of the inputs; none where there is no such
  /// yardstick. A finished run that is not better is told so. `targets`: of a whole data set.
  virtual std::optional<double> chance(const at::Tensor& targets) const {
    (void)targets;
    return std::nullopt;
  }

  /// The sum over a batch of the Shannon entropy of the predictions, in nats; NaN where outputs are
  /// no distributions.
  virtual double entropy(const at::Tensor& output) const;
};

/// The scores of sums over so many examples, see add_scores(); as many as Task::sums() says.
Scores scores_of(const Task& task, std::span<const double> sums, double examples);

/// Every task by name.
const std::vector<const Task*>& tasks();

/// @throws UsageError for an unknown name (the nearest is offered).
const Task& find_task(const std::string& name);

/// The same, classification with its options.
const Task& find_task(const std::string& name, const ClassificationOptions& options);

}  // namespace valley
