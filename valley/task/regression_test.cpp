#include "valley/task/regression.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::regression_test {
namespace {

at::Tensor values(std::vector<double> numbers, int64_t columns = 1) {
  return at::tensor(numbers, at::kFloat).view({-1, columns});
}

Scores scores(const Task& task, const at::Tensor& output, const at::Tensor& target) {
  std::vector<double> sums(task.sums(target));
  // In two batches, as evaluations have them.
  task.add_scores(output.narrow(0, 0, 1), target.narrow(0, 0, 1), sums);
  const int64_t rest = target.size(0) - 1;
  task.add_scores(output.narrow(0, 1, rest), target.narrow(0, 1, rest), sums);
  return scores_of(task, sums, static_cast<double>(target.size(0)));
}

TEST(Regression, ScoresOfKnownErrors) {
  // errors 1, -2, 0, 3; targets 0, 2, 4, 6: mean 3, variance 5
  const Scores found = scores(regression(), values({1, 0, 4, 9}), values({0, 2, 4, 6}));
  EXPECT_NEAR(found.loss(), 14.0 / 4, 1e-6);
  EXPECT_NEAR(found["mae"], 6.0 / 4, 1e-6);
  EXPECT_NEAR(found["r2"], 1 - 14.0 / 4 / 5, 1e-6);
  EXPECT_EQ(found.values.size(), 3u);
}

TEST(Regression, R2IsTheMeanOverTheValuesOfAnExample) {
  // the first value is met exactly; the second is answered by its mean
  const Scores found = scores(regression(), values({1, 5, 3, 5}, 2), values({1, 0, 3, 10}, 2));
  EXPECT_NEAR(found["r2"], 0.5, 1e-9);
}

TEST(Regression, TargetsThatNeverChange) {
  EXPECT_EQ(scores(regression(), values({2, 2}), values({2, 2}))["r2"], 1);
  EXPECT_EQ(scores(regression(), values({2, 3}), values({2, 2}))["r2"], 0);
}

TEST(Regression, TheMeanAloneIsChance) {
  const at::Tensor target = values({0, 2, 4, 6});
  EXPECT_NEAR(scores(regression(), values({3, 3, 3, 3}), target)["r2"],
              *regression().chance(target), 1e-9);
}

TEST(Regression, HubersLossOfKnownErrors) {
  const Scores found = scores(huber_regression(), values({0.5, -3}), values({0, 0}));
  EXPECT_NEAR(found.loss(), (0.125 + 2.5) / 2, 1e-6);
  EXPECT_NEAR(found["mae"], 1.75, 1e-6);
}

TEST(Regression, TheLossHasAGradient) {
  at::Tensor output = values({3, 0}).requires_grad_();
  regression().loss(output, values({0, 0})).backward();
  EXPECT_NEAR(output.grad()[0][0].item<double>(), 3, 1e-6);  // 2 e / B
}

TEST(Regression, SaysWhatAModelMustReturn) {
  const auto message = [](std::vector<int64_t> shape, at::Tensor targets) {
    return error_of<UsageError>([&] {
      regression().check(at::zeros(shape), {.examples = 2, .targets = std::move(targets)});
    });
  };
  EXPECT_EQ(message({2, 1}, at::zeros({2, 3})),
            "the model must return values [batch, 3], got [2, 1] for a batch of 2");
  EXPECT_EQ(message({2, 3}, at::zeros({2}, at::kLong)),
            "regression needs real numbers as targets, [examples, values]; the batch has classes");
  EXPECT_EQ(message({2, 3}, at::zeros({2, 3})), "no error");
}

}  // namespace
}  // namespace valley::regression_test
