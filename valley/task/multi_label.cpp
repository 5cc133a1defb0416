#include "valley/task/multi_label.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "valley/core/error.h"

namespace valley {
namespace {

// Precision and recall of a label are those of answers above each of so many probabilities, evenly
// spaced, so that workers can add up what they saw.
constexpr int64_t kBins = 1000;
constexpr size_t kCounts = 6;

// The sum over the bins, from the highest down, of the recall gained in it times the precision of
// all down to it; none for a label that no example has.
std::optional<double> average_precision(std::span<const double> seen,
                                        std::span<const double> there) {
  double all = 0, answered = 0, right = 0, area = 0;
  for (const double count : there) all += count;
  if (all == 0) return std::nullopt;
  for (size_t i = seen.size(); i-- > 0;) {
    answered += seen[i];
    right += there[i];
    if (there[i] > 0) area += there[i] * right / answered;
  }
  return area / all;
}

// Behind the scores: TP; 2 TP + FP + FN, which is how many labels are answered and how many there
// are; then of every label how many examples, and how many that have it, have a probability in each
// bin.
class MultiLabel : public Task {
 public:
  const ScoreSheet& sheet() const override {
    static const ScoreSheet sheet = {
        .task = "multi-label",
        .scores = {{.name = "loss"},
                   {.name = "f1", .more_is_better = true},
                   {.name = "exact_match", .more_is_better = true, .is_share = true},
                   {.name = "map", .more_is_better = true}},
        .headline = 1,
        .chance = "the commonest labels alone"};
    return sheet;
  }
  std::string_view output() const override { return "logits"; }

  void check(const at::Tensor& logits, const OutputDemand& demand) const override {
    const std::string which = demand.output.empty() ? "logits" : demand.output;
    const std::string data = demand.data.empty() ? "the batch" : demand.data;
    const at::Tensor& targets = demand.targets;
    require(targets.is_floating_point() && targets.dim() == 2,
            "{} needs labels as targets, [examples, labels] of 0 and 1; {} has classes", name(),
            data);
    require(((targets == 0) | (targets == 1)).all().item<bool>(),
            "{} needs labels as targets, 0 or 1; {} has other numbers", name(), data);
    const int64_t labels = targets.size(1);
    require(logits.dim() == 2 && logits.size(0) == demand.examples && logits.size(1) == labels,
            "{} must return {} [batch, {}], got [{}] for a batch of {}", demand.model, which,
            labels, fmt::join(logits.sizes(), ", "), demand.examples);
  }

  at::Tensor loss(const at::Tensor& logits, const at::Tensor& target) const override {
    return at::binary_cross_entropy_with_logits(logits, target.to(logits.scalar_type()));
  }

  size_t sums(const at::Tensor& targets) const override {
    return kCounts + 2 * static_cast<size_t>(targets.size(1) * kBins);
  }

  void add_scores(const at::Tensor& logits, const at::Tensor& target,
                  std::span<double> sums) const override {
    const at::Tensor answered = logits.gt(0), there = target.gt(0);
    const auto count = [](const at::Tensor& which) { return which.sum().item<double>(); };
    sums[0] += loss(logits, target).item<double>() * static_cast<double>(target.size(0));
    sums[2] += count((answered == there).all(1));
    sums[4] += count(answered & there);
    sums[5] += count(answered) + count(there);
    const int64_t labels = target.size(1), bins = labels * kBins;
    const at::Tensor p = at::sigmoid(logits.to(at::kDouble));
    const at::Tensor bin = (p * double(kBins)).to(at::kLong).clamp_max(kBins - 1) +
                           at::arange(labels, p.options().dtype(at::kLong)) * kBins;
    const auto add = [&](const at::Tensor& seen, double* to) {
      const at::Tensor counts = at::bincount(seen, {}, bins).cpu();
      for (int64_t i = 0; i < bins; ++i) to[i] += double(counts.data_ptr<int64_t>()[i]);
    };
    add(bin.flatten(), &sums[kCounts]);
    add(bin.masked_select(there), &sums[kCounts] + bins);
  }

  void finish(std::span<double> means) const override {
    means[1] = means[5] > 0 ? 2 * means[4] / means[5] : 1;
    const std::span<const double> seen = means.subspan(kCounts, (means.size() - kCounts) / 2);
    const std::span<const double> there = means.subspan(kCounts + seen.size());
    double sum = 0, labels = 0;
    for (size_t at = 0; at < seen.size(); at += kBins)
      if (const auto precision =
              average_precision(seen.subspan(at, kBins), there.subspan(at, kBins))) {
        sum += *precision;
        ++labels;
      }
    means[3] = labels > 0 ? sum / labels : 1;
  }

  std::optional<double> chance(const at::Tensor& targets) const override {
    const at::Tensor counts = std::get<0>(targets.to(at::kDouble).sum(0).sort(0, true)).cpu();
    const double examples = static_cast<double>(targets.size(0)), all = counts.sum().item<double>();
    double found = 0, best = 0;
    for (int64_t k = 0; k < counts.numel(); ++k) {
      found += counts.data_ptr<double>()[k];
      best = std::max(best, 2 * found / (examples * static_cast<double>(k + 1) + all));
    }
    return best;
  }

  // Labels are answered each by itself, so that their entropies add up: log(1 + e^z) - z s(z).
  double entropy(const at::Tensor& logits) const override {
    const at::Tensor z = logits.to(at::kDouble);
    return (at::softplus(z) - z * at::sigmoid(z)).sum().item<double>();
  }
};

}  // namespace

const Task& multi_label() {
  static const MultiLabel task;
  return task;
}

}  // namespace valley
