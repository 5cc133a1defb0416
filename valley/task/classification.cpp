#include "valley/task/classification.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eq.h>
#include <fmt/ranges.h>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr ScoreInfo kScores[] = {{"loss", /*more_is_better=*/false},
                                 {"accuracy", /*more_is_better=*/true}};

class Classification : public Task {
 public:
  std::string_view name() const override { return "classification"; }
  std::span<const ScoreInfo> scores() const override { return kScores; }
  size_t headline() const override { return 1; }
  std::string_view output() const override { return "logits [batch, classes]"; }

  void check(const at::Tensor& logits, const at::Tensor& target,
             const std::string& which) const override {
    require(logits.dim() == 2 && logits.size(0) == target.size(0),
            "the model must return {} [batch, classes], got [{}] for a batch of {}", which,
            fmt::join(logits.sizes(), ", "), target.size(0));
    const int64_t largest = target.max().item<int64_t>();
    require(largest < logits.size(1), "the model returns {} {}, but there is a target of class {}",
            logits.size(1), which, largest);
  }

  at::Tensor loss(const at::Tensor& logits, const at::Tensor& target) const override {
    return at::cross_entropy_loss(logits, target);
  }

  void add_scores(const at::Tensor& logits, const at::Tensor& target,
                  std::span<double> sums) const override {
    sums[0] += loss(logits, target).item<double>() * static_cast<double>(target.size(0));
    sums[1] += at::eq(at::argmax(logits, 1), target).sum().item<double>();
  }
};

}  // namespace

const Task& classification() {
  static const Classification task;
  return task;
}

}  // namespace valley
