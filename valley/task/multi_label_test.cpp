#include "valley/task/multi_label.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::multi_label_test {
namespace {

at::Tensor labels(std::vector<double> values) {
  return at::tensor(values, at::kFloat).view({-1, 3});
}

TEST(MultiLabel, ScoresOfKnownLogits) {
  const Task& task = multi_label();
  // Answered: 110, 001, 000; there: 100, 001, 010. TP 2, FP 1, FN 1.
  const at::Tensor z =
      at::tensor({2., 1., -1., -3., -1., .5, -1., -2., -1.}, at::kDouble).view({3, 3});
  const at::Tensor y = labels({1, 0, 0, 0, 0, 1, 0, 1, 0});
  std::vector<double> sums(task.sums(y));
  task.add_scores(z.narrow(0, 0, 1), y.narrow(0, 0, 1), sums);
  task.add_scores(z.narrow(0, 1, 2), y.narrow(0, 1, 2), sums);
  const Scores scores = scores_of(task, sums, 3);
  EXPECT_DOUBLE_EQ(scores["f1"], 4. / 6);
  EXPECT_DOUBLE_EQ(scores["exact_match"], 1. / 3);
  const at::Tensor p = at::sigmoid(z), t = y.to(at::kDouble);
  const double expected = -(t * at::log(p) + (1 - t) * at::log(1 - p)).mean().item<double>();
  EXPECT_NEAR(scores.loss(), expected, 1e-12);
}

// By hand: label 0, from the highest: there, not, there: (1 + 2/3) / 2; label 1: not, there: 1/2;
// nobody has label 2.
TEST(MultiLabel, MeanAveragePrecisionOfKnownOrders) {
  const at::Tensor z = at::tensor({3., 2., 0., 2., 1., 0., 1., -4., 1.}, at::kDouble).view({3, 3});
  const at::Tensor y = labels({1, 0, 0, 0, 1, 0, 1, 0, 0});
  std::vector<double> sums(multi_label().sums(y));
  for (int64_t i = 0; i < 3; ++i)
    multi_label().add_scores(z.narrow(0, i, 1), y.narrow(0, i, 1), sums);
  EXPECT_NEAR(scores_of(multi_label(), sums, 3)["map"], ((1 + 2. / 3) / 2 + 1. / 2) / 2, 1e-12);
}

TEST(MultiLabel, ARandomOrderHasThePrecisionOfTheShare) {
  at::manual_seed(3);
  const at::Tensor y = at::rand({20000, 2}).lt(.3).to(at::kFloat), z = at::randn({20000, 2});
  std::vector<double> sums(multi_label().sums(y));
  multi_label().add_scores(z, y, sums);
  EXPECT_NEAR(scores_of(multi_label(), sums, 20000)["map"], .3, .02);
}

TEST(MultiLabel, NothingToFindIsFoundByAnsweringNothing) {
  const at::Tensor y = labels({0, 0, 0});
  std::vector<double> sums(multi_label().sums(y));
  multi_label().add_scores(at::zeros({1, 3}) - 1, y, sums);
  EXPECT_EQ(scores_of(multi_label(), sums, 1)["f1"], 1);
  EXPECT_EQ(multi_label().chance(y), 0);
}

TEST(MultiLabel, ChanceIsTheBestAnswerThatIsTheSameForAll) {
  // Counts 3, 2, 0 of 3 examples: k = 1: 6 / (3 + 5), k = 2: 10 / (6 + 5), k = 3: 10 / (9 + 5).
  EXPECT_DOUBLE_EQ(*multi_label().chance(labels({1, 1, 0, 1, 0, 0, 1, 1, 0})), 10. / 11);
}

TEST(MultiLabel, EntropyIsThatOfIndependentLabels) {
  EXPECT_NEAR(multi_label().entropy(at::zeros({2, 3})), 6 * std::log(2.0), 1e-12);
  EXPECT_NEAR(multi_label().entropy(at::zeros({1, 1}) + 40), 0, 1e-12);
}

TEST(MultiLabel, TheLossHasAGradient) {
  at::Tensor z = at::zeros({1, 3}, at::kDouble).requires_grad_();
  multi_label().loss(z, labels({1, 0, 0})).backward();
  EXPECT_NEAR(z.grad()[0][0].item<double>(), -0.5 / 3, 1e-12);
}

TEST(MultiLabel, SaysWhatDoesNotFit) {
  const auto refusal = [](const at::Tensor& logits, const at::Tensor& targets) {
    return error_of<UsageError>([&] {
      multi_label().check(logits, {.examples = 1, .targets = targets, .model = "net", .data = "d"});
    });
  };
  EXPECT_EQ(refusal(at::zeros({1, 3}), at::tensor({0, 1}, at::kLong)),
            "multi-label needs labels as targets, [examples, labels] of 0 and 1; d has classes");
  EXPECT_EQ(refusal(at::zeros({1, 3}), labels({0, 0.5, 1})),
            "multi-label needs labels as targets, 0 or 1; d has other numbers");
  EXPECT_EQ(refusal(at::zeros({1, 2}), labels({0, 1, 1})),
            "net must return logits [batch, 3], got [1, 2] for a batch of 1");
}

}  // namespace
}  // namespace valley::multi_label_test
