#include "valley/task/regression.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/huber_loss.h>
#include <ATen/ops/mse_loss.h>
#include <fmt/ranges.h>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr size_t kScores = 3;  // loss, mae, r2; behind them K sums each of e^2, target, target^2

class Regression : public Task {
 public:
  using Loss = at::Tensor (*)(const at::Tensor& output, const at::Tensor& target);

  Regression(const char* name, Loss loss) : loss_(loss) {
    sheet_ = {.task = name,
              .scores = {{.name = "loss"}, {.name = "mae"}, {.name = "r2", .more_is_better = true}},
              .headline = 2,
              .chance = "the mean target alone"};
  }

  const ScoreSheet& sheet() const override { return sheet_; }
  std::string_view output() const override { return "values"; }

  void check(const at::Tensor& output, const OutputDemand& demand) const override {
    const std::string which = demand.output.empty() ? "values" : demand.output;
    require(demand.targets.is_floating_point() && demand.targets.dim() == 2,
            "{} needs real numbers as targets, [examples, values]; {} has classes", name(),
            demand.data.empty() ? "the batch" : demand.data);
    const int64_t values = demand.targets.size(1);
    require(output.dim() == 2 && output.size(0) == demand.examples && output.size(1) == values,
            "{} must return {} [batch, {}], got [{}] for a batch of {}", demand.model, which,
            values, fmt::join(output.sizes(), ", "), demand.examples);
  }

  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    return loss_(output, target);
  }

  size_t sums(const at::Tensor& targets) const override {
    return kScores + 3 * static_cast<size_t>(targets.size(1));
  }

  void add_scores(const at::Tensor& output, const at::Tensor& target,
                  std::span<double> sums) const override {
    const auto n = static_cast<double>(target.size(0));
    const at::Tensor truth = target.to(at::kDouble), error = output.to(at::kDouble) - truth;
    sums[0] += loss(output, target).item<double>() * n;
    sums[1] += error.abs().mean().item<double>() * n;
    size_t at = kScores;
    for (const at::Tensor& values : {error.square(), truth, truth.square()}) {
      const at::Tensor of_batch = values.sum(0).cpu();
      for (int64_t k = 0; k < of_batch.numel(); ++k) sums[at++] += of_batch.data_ptr<double>()[k];
    }
  }

  void finish(std::span<double> means) const override {
    const size_t values = (means.size() - kScores) / 3;
    const double *error = &means[kScores], *mean = error + values, *square = mean + values;
    double sum = 0;
    for (size_t k = 0; k < values; ++k) {
      const double variance = square[k] - mean[k] * mean[k];
      const bool varies = variance > 1e-12 * square[k];
      sum += varies ? 1 - error[k] / variance : error[k] == 0 ? 1 : 0;
    }
    means[2] = sum / static_cast<double>(values);
  }

  std::optional<double> chance(const at::Tensor&) const override { return 0; }

 private:
  ScoreSheet sheet_;
  Loss loss_;
};

}  // namespace

const Task& regression() {
  static const Regression task("regression",
                               [](const at::Tensor& output, const at::Tensor& target) {
                                 return at::mse_loss(output, target);
                               });
  return task;
}

const Task& huber_regression() {
  static const Regression task("huber", [](const at::Tensor& output, const at::Tensor& target) {
    return at::huber_loss(output, target);
  });
  return task;
}

}  // namespace valley
