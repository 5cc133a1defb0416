#include "valley/task/classification.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/task/task_names.h"

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
  const auto message = [](std::vector<int64_t> shape, OutputDemand demand) {
    demand.examples = 2;
    return error_of<UsageError>([&] { classification().check(at::zeros(shape), demand); });
  };
  const OutputDemand batch{.targets = targets({0, 1})};
  EXPECT_EQ(message({2, 3, 4}, batch),
            "the model must return logits [batch, classes], got [2, 3, 4] for a batch of 2");
  EXPECT_EQ(message({3, 4}, batch),
            "the model must return logits [batch, classes], got [3, 4] for a batch of 2");
  EXPECT_EQ(message({2, 4}, {.targets = targets({0, 4}), .output = "logits as output aux"}),
            "the model returns 4 logits as output aux, but there is a target of class 4");
  EXPECT_NO_THROW(classification().check(
      at::zeros({2, 4}), {.examples = 2, .targets = targets({0, 3, 1}), .classes = 5}));
}

// Those of a whole data set, which may have more classes than its examples show, or fewer.
TEST(Classification, ServesAllClassesOfTheData) {
  const auto message = [](int64_t logits, std::vector<int64_t> classes, int64_t declared) {
    return error_of<UsageError>([&] {
      classification().check(at::zeros({1, logits}), {.examples = 1,
                                                      .targets = targets(classes),
                                                      .model = "net",
                                                      .data = "images",
                                                      .classes = declared});
    });
  };
  EXPECT_EQ(message(4, {0, 1}, 5), "net returns 4 logits, but images has 5 classes");
  EXPECT_EQ(message(4, {0, 6}, 3), "net returns 4 logits, but images has 7 classes");
}

TEST(Classification, ChanceIsTheCommonestClass) {
  EXPECT_EQ(classification().chance(targets({3, 0, 3, 1})), 0.5);
}

TEST(Classification, EntropyOfThePredictions) {
  EXPECT_NEAR(classification().entropy(at::zeros({2, 4})), 2 * std::log(4.0), 1e-6);
  EXPECT_EQ(classification().entropy(at::tensor({1e4, 0.0}, at::kDouble).view({1, 2})), 0);
}

// A score that is no mean is made of one.
TEST(Tasks, ScoresMayBeMadeOfMeans) {
  class Perplexity : public Task {
   public:
    const ScoreSheet& sheet() const override {
      static const ScoreSheet sheet = {
          .task = "words", .scores = {{.name = "loss"}, {.name = "perplexity"}}, .headline = 1};
      return sheet;
    }
    std::string_view output() const override { return "logits"; }
    void check(const at::Tensor&, const OutputDemand&) const override {}
    at::Tensor loss(const at::Tensor& output, const at::Tensor&) const override { return output; }
    void add_scores(const at::Tensor&, const at::Tensor&, std::span<double>) const override {}
    void finish(std::span<double> means) const override { means[1] = std::exp(means[0]); }
  };
  const double sums[2] = {6, 0};
  const Scores scores = scores_of(Perplexity(), sums, 3);
  EXPECT_EQ(scores.loss(), 2);
  EXPECT_EQ(scores["perplexity"], std::exp(2.0));
  EXPECT_TRUE(std::isnan(scores["accuracy"]));
  EXPECT_FALSE(Perplexity().chance(targets({0})));
  EXPECT_TRUE(std::isnan(Perplexity().entropy(targets({0}))));
}

// What every row of the table promises.
TEST(Tasks, AreFoundByName) {
  ASSERT_EQ(tasks().size(), task_table().size());
  for (size_t i = 0; i < tasks().size(); ++i) {
    const Task* task = tasks()[i];
    const ScoreSheet& sheet = task->sheet();
    EXPECT_EQ(task_table()[i].name, task->name());
    EXPECT_EQ(&find_task(task->name()), task);
    EXPECT_NO_THROW(check_task_name(task->name()));
    ASSERT_FALSE(sheet.scores.empty());
    EXPECT_EQ(sheet.scores[0].name, "loss");
    EXPECT_FALSE(sheet.scores[0].more_is_better);
    ASSERT_LT(sheet.headline, sheet.scores.size());
    for (const ScoreInfo& score : sheet.scores) {
      EXPECT_EQ(score.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
                std::string::npos)
          << score.name;
    }
  }
  const std::string unknown =
      "unknown task 'clasification'; did you mean 'classification'? known: ";
  EXPECT_TRUE(error_of<UsageError>([] { find_task("clasification"); }).starts_with(unknown));
  EXPECT_TRUE(error_of<UsageError>([] { check_task_name("clasification"); }).starts_with(unknown));
}

}  // namespace
}  // namespace valley::classification_test
