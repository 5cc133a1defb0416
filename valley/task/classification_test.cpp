#include "valley/task/classification.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::classification_test {
namespace {

at::Tensor targets(std::vector<int64_t> classes) { return at::tensor(classes, at::kLong); }

TEST(Classification, LossAndAccuracyOfKnownLogits) {
  // softmax (3/4, 1/4) and (1/2, 1/2): the second row's largest is the first, class 0
  const at::Tensor logits = at::tensor({std::log(3.0), 0.0, 0.0, 0.0}, at::kDouble).view({2, 2});
  const double expected = (std::log(4.0 / 3) + std::log(2.0)) / 2;
  EXPECT_NEAR(classification().loss(logits, targets({0, 1})).item<double>(), expected, 1e-12);
  double sums[2] = {1, 1};
  classification().add_scores(logits, targets({0, 1}), sums);
  EXPECT_NEAR(sums[0], 1 + 2 * expected, 1e-12);
  EXPECT_EQ(sums[1], 1 + 1);
}

TEST(Classification, TheLossHasAGradient) {
  at::Tensor logits = at::zeros({1, 2}, at::kDouble).requires_grad_();
  classification().loss(logits, targets({0})).backward();
  EXPECT_NEAR(logits.grad()[0][0].item<double>(), -0.5, 1e-12);
}

TEST(Classification, SaysWhatAModelMustReturn) {
  const auto message = [](std::vector<int64_t> shape, std::vector<int64_t> classes) {
    return error_of<UsageError>(
        [&] { classification().check(at::zeros(shape), targets(classes), "logits"); });
  };
  EXPECT_EQ(message({2, 3, 4}, {0, 1}),
            "the model must return logits [batch, classes], got [2, 3, 4] for a batch of 2");
  EXPECT_EQ(message({3, 4}, {0, 1}),
            "the model must return logits [batch, classes], got [3, 4] for a batch of 2");
  EXPECT_EQ(message({2, 4}, {0, 4}),
            "the model returns 4 logits, but there is a target of class 4");
  EXPECT_NO_THROW(classification().check(at::zeros({2, 4}), targets({0, 3}), "logits"));
}

// What every row of the table promises.
TEST(Tasks, AreFoundByName) {
  for (const Task* task : tasks()) {
    EXPECT_EQ(&find_task(std::string(task->name())), task);
    ASSERT_FALSE(task->scores().empty());
    EXPECT_EQ(task->scores()[0].name, "loss");
    EXPECT_FALSE(task->scores()[0].more_is_better);
    EXPECT_LT(task->headline(), task->scores().size());
  }
  EXPECT_EQ(error_of<UsageError>([] { find_task("clasification"); }),
            "unknown task 'clasification'; did you mean 'classification'? known: classification");
}

}  // namespace
}  // namespace valley::classification_test
