#include "valley/task/language.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max.h>
#include <ATen/ops/tensor.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <numbers>

#include "valley/core/error.h"

namespace valley {
namespace {

class Language : public Task {
 public:
  explicit Language(bool of_bytes, const std::vector<int64_t>& token_bytes = {})
      : of_bytes_(of_bytes) {
    if (!token_bytes.empty()) lengths_ = at::tensor(token_bytes, at::kDouble);
    sheet_ = {.task = "language",
              .scores = {{.name = "loss"}},
              .headline = 1,
              .chance = "how often each token occurs, alone"};
    if (of_bytes) sheet_.scores.push_back({.name = "bits_per_byte"});
    sheet_.scores.push_back({.name = "perplexity"});
  }

  const ScoreSheet& sheet() const override { return sheet_; }
  std::string_view output() const override { return "logits"; }

  void check(const at::Tensor& logits, const OutputDemand& demand) const override {
    const std::string which = demand.output.empty() ? "logits" : demand.output;
    const at::Tensor& targets = demand.targets;
    require(!targets.is_floating_point() && targets.dim() == 2,
            "{} needs the next tokens of a text as targets, whole numbers [examples, context]; {} "
            "has none",
            name(), demand.data.empty() ? "the batch" : demand.data);
    const int64_t context = targets.size(1);
    require(logits.dim() == 3 && logits.size(0) == demand.examples && logits.size(1) == context,
            "{} must return {} [batch, {}, vocabulary], got [{}] for a batch of {}", demand.model,
            which, context, fmt::join(logits.sizes(), ", "), demand.examples);
    const int64_t largest = targets.max().item<int64_t>();
    require(!demand.data.empty() || largest < logits.size(2),
            "{} returns {} {} a token, but there is a token {}", demand.model, logits.size(2),
            which, largest);
    const int64_t vocabulary = std::max(demand.classes, largest + 1);
    require(demand.data.empty() || vocabulary <= logits.size(2),
            "{} returns {} {} a token, but {} has a vocabulary of {}", demand.model, logits.size(2),
            which, demand.data, vocabulary);
  }

  at::Tensor loss(const at::Tensor& logits, const at::Tensor& target) const override {
    return at::cross_entropy_loss(logits.flatten(0, 1), target.flatten().to(at::kLong));
  }

  // The loss alone; the others follow from its mean.
  void add_scores(const at::Tensor& logits, const at::Tensor& target,
                  std::span<double> sums) const override {
    sums[0] += loss(logits, target).item<double>() * static_cast<double>(target.size(0));
    if (lengths_.defined()) sums[3] += bytes_a_token(target) * static_cast<double>(target.size(0));
  }

  // Behind the scores the bytes a token, where that is not 1.
  size_t sums(const at::Tensor&) const override {
    return sheet_.scores.size() + (lengths_.defined() ? 1 : 0);
  }

  void finish(std::span<double> means) const override {
    means[1] = headline_of(means[0], lengths_.defined() ? means[3] : 1);
    means[sheet_.scores.size() - 1] = std::exp(means[0]);
  }

  std::optional<double> chance(const at::Tensor& targets) const override {
    const at::Tensor counts = at::bincount(targets.flatten());
    const at::Tensor share = counts.to(at::kDouble) / static_cast<double>(targets.numel());
    return headline_of(-(share * share.clamp_min(1e-300).log()).sum().item<double>(),
                       lengths_.defined() ? bytes_a_token(targets) : 1);
  }

  // Of an example the mean over its tokens.
  double entropy(const at::Tensor& logits) const override {
    const at::Tensor log_p = at::log_softmax(logits, 2);
    const double sum = -(log_p.exp() * log_p.clamp_min(-1e30)).sum().item<double>();
    return sum / static_cast<double>(logits.size(1));
  }

 private:
  double headline_of(double nats, double bytes) const {
    return of_bytes_ ? nats / bytes / std::numbers::ln2 : std::exp(nats);
  }

  double bytes_a_token(const at::Tensor& targets) const {
    const at::Tensor places = targets.flatten().to(at::kCPU, at::kLong);
    return lengths_.index_select(0, places).mean().item<double>();
  }

  ScoreSheet sheet_;
  bool of_bytes_;
  at::Tensor lengths_;  // [V] bytes, undefined where each token is one
};

}  // namespace

const Task& language() {
  static const Language task(/*of_bytes=*/true);
  return task;
}

const Task& language(const std::vector<int64_t>& token_bytes) {
  static std::mutex mutex;
  static std::map<std::vector<int64_t>, std::unique_ptr<const Language>> made;
  const std::lock_guard<std::mutex> guard(mutex);
  std::unique_ptr<const Language>& task = made[token_bytes];
  if (task == nullptr) task = std::make_unique<const Language>(/*of_bytes=*/true, token_bytes);
  return *task;
}

const Task& language_of_tokens() {
  static const Language task(/*of_bytes=*/false);
  return task;
}

}  // namespace valley
