#include "valley/task/classification.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "valley/core/error.h"

namespace valley {
namespace {

// One or, with weights, a sum more than there are scores: that of the weights.
class Classification : public Task {
 public:
  explicit Classification(ClassificationOptions options) : options_(std::move(options)) {
    if (weighted()) weights_ = at::tensor(options_.class_weights.values, at::kDouble);
  }

  const ScoreSheet& sheet() const override { return classification_scores(); }
  std::string_view output() const override { return "logits"; }

  void check(const at::Tensor& logits, const OutputDemand& demand) const override {
    const std::string which = demand.output.empty() ? std::string(output()) : demand.output;
    require(logits.dim() == 2 && logits.size(0) == demand.examples,
            "{} must return {} [batch, classes], got [{}] for a batch of {}", demand.model, which,
            fmt::join(logits.sizes(), ", "), demand.examples);
    require(!demand.targets.is_floating_point(),
            "{} needs classes as targets, whole numbers; {} has real ones: {} regression", name(),
            demand.data.empty() ? "the batch" : demand.data, Key{"task"});
    const int64_t largest = demand.targets.max().item<int64_t>();
    require(!demand.data.empty() || largest < logits.size(1),
            "{} returns {} {}, but there is a target of class {}", demand.model, logits.size(1),
            which, largest);
    const int64_t classes = std::max(demand.classes, largest + 1);
    require(demand.data.empty() || classes <= logits.size(1),
            "{} returns {} {}, but {} has {} classes", demand.model, logits.size(1), which,
            demand.data, classes);
    require(!weighted() || weights_.numel() == logits.size(1),
            "{} are {} weights, but {} returns {} {}", Key{"class-weights"}, weights_.numel(),
            demand.model, logits.size(1), which);
  }

  at::Tensor loss(const at::Tensor& logits, const at::Tensor& target) const override {
    if (options_ == ClassificationOptions()) return at::cross_entropy_loss(logits, target);
    const at::Tensor weights = weighted() ? weights_.to(logits.options()) : at::Tensor();
    return at::cross_entropy_loss(logits, target, weights, at::Reduction::Mean,
                                  /*ignore_index=*/-100, options_.label_smoothing);
  }

  size_t sums(const at::Tensor&) const override { return sheet().scores.size() + weighted(); }

  void add_scores(const at::Tensor& logits, const at::Tensor& target,
                  std::span<double> sums) const override {
    const double weight =
        weighted() ? weights_.to(target.device()).index_select(0, target).sum().item<double>()
                   : static_cast<double>(target.size(0));
    if (weight > 0) sums[0] += loss(logits, target).item<double>() * weight;
    if (weighted()) sums[2] += weight;
    sums[1] += at::eq(at::argmax(logits, 1), target).sum().item<double>();
  }

  void finish(std::span<double> means) const override {
    if (weighted()) means[0] /= means[2];
  }

  // The share of the commonest class.
  std::optional<double> chance(const at::Tensor& targets) const override {
    return at::bincount(targets).max().item<double>() / static_cast<double>(targets.numel());
  }

  double entropy(const at::Tensor& logits) const override {
    const at::Tensor log_p = at::log_softmax(logits, 1);
    // exp(-inf) * -inf is no number, where the limit is 0.
    return -(log_p.exp() * log_p.clamp_min(-1e30)).sum().item<double>();
  }

 private:
  bool weighted() const { return !options_.class_weights.values.empty(); }

  ClassificationOptions options_;
  at::Tensor weights_;  // [C]
};

}  // namespace

const Task& classification() {
  static const Classification task({});
  return task;
}

ClassificationOptions balanced_by(ClassificationOptions options, const at::Tensor& targets,
                                  int64_t classes) {
  if (!options.class_weights.balanced) return options;
  require(targets.scalar_type() == at::kLong && targets.dim() == 1,
          "{} balanced needs one class an example", Key{"class-weights"});
  const at::Tensor counts = at::bincount(targets, {}, classes).to(at::kDouble);
  options.class_weights = {};
  for (int64_t c = 0; c < counts.numel(); ++c) {
    const double count = counts[c].item<double>();
    // Where there is none, no weight is right and none is needed.
    options.class_weights.values.push_back(
        count > 0 ? static_cast<double>(targets.numel()) / (double(counts.numel()) * count) : 0);
  }
  return options;
}

const Task& classification(const ClassificationOptions& options) {
  require(!options.class_weights.balanced, "{} balanced is by the counts of a training set",
          Key{"class-weights"});
  if (options == ClassificationOptions()) return classification();
  // Tasks are the same for all and never go: of few options that a process sees, each once.
  static std::mutex mutex;
  static std::map<ClassificationOptions, std::unique_ptr<const Classification>> made;
  const std::lock_guard<std::mutex> guard(mutex);
  std::unique_ptr<const Classification>& task = made[options];
  if (task == nullptr) task = std::make_unique<const Classification>(options);
  return *task;
}

}  // namespace valley
