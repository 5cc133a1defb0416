#include "valley/task/classification.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/randn.h>
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

// sum_i ((1 - s) w_y l_y + s / C sum_c w_c l_c) / sum_i w_y, of rows of l = -log softmax
double formula(const at::Tensor& logits, const std::vector<int64_t>& y, double s,
               std::vector<double> w) {
  const at::Tensor l = -at::log_softmax(logits, 1);
  const auto classes = logits.size(1);
  if (w.empty()) w.assign(static_cast<size_t>(classes), 1.0);
  double sum = 0, weights = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const at::Tensor row = l[static_cast<int64_t>(i)];
    const double own = w[static_cast<size_t>(y[i])];
    sum += (1 - s) * own * row[y[i]].item<double>();
    for (int64_t c = 0; c < classes; ++c)
      sum += s / static_cast<double>(classes) * w[static_cast<size_t>(c)] * row[c].item<double>();
    weights += own;
  }
  return sum / weights;
}

TEST(Classification, SmoothedAndWeightedLossesAreThoseOfTheFormula) {
  at::manual_seed(1);
  const at::Tensor logits = at::randn({5, 3}, at::kDouble);
  const std::vector<int64_t> y = {0, 2, 1, 1, 0};
  for (const ClassificationOptions& options :
       {ClassificationOptions{.label_smoothing = 0.1},
        {.class_weights = {{1, 0.25, 4}}},
        {.label_smoothing = 0.3, .class_weights = {{1, 0.25, 4}}}}) {
    const Task& task = classification(options);
    const double expected =
        formula(logits, y, options.label_smoothing, options.class_weights.values);
    EXPECT_NEAR(task.loss(logits, targets(y)).item<double>(), expected, 1e-12);
    // In batches, whose weights differ, the score is still that of all examples.
    std::vector<double> sums(task.sums(targets(y)));
    task.add_scores(logits.narrow(0, 0, 2), targets({0, 2}), sums);
    task.add_scores(logits.narrow(0, 2, 3), targets({1, 1, 0}), sums);
    const Scores scores = scores_of(task, sums, 5);
    EXPECT_NEAR(scores.loss(), expected, 1e-12);
    double plain[2] = {};
    classification().add_scores(logits, targets(y), plain);
    EXPECT_EQ(scores["accuracy"], plain[1] / 5);
  }
}

TEST(Classification, EqualOptionsAreOneTask) {
  EXPECT_EQ(&classification({}), &classification());
  const ClassificationOptions options = {.label_smoothing = 0.1, .class_weights = {{1, 2}}};
  EXPECT_EQ(&classification(options), &classification(options));
  EXPECT_NE(&classification(options), &classification({.label_smoothing = 0.1}));
  EXPECT_EQ(&find_task("classification", options), &classification(options));
  EXPECT_EQ(find_task("huber", options).name(), "huber");
}

// N / (C N_c): of six examples of three classes, 2 / N_c.
TEST(Classification, BalancedWeightsAreThoseOfTheCounts) {
  const ClassificationOptions asked = {.label_smoothing = 0.2, .class_weights = {.balanced = true}};
  const ClassificationOptions settled = balanced_by(asked, targets({0, 1, 1, 1, 2, 2}), 3);
  EXPECT_EQ(settled.label_smoothing, 0.2);
  ASSERT_EQ(settled.class_weights.values.size(), 3U);
  EXPECT_DOUBLE_EQ(settled.class_weights.values[0], 2);
  EXPECT_DOUBLE_EQ(settled.class_weights.values[1], 2.0 / 3);
  EXPECT_DOUBLE_EQ(settled.class_weights.values[2], 1);
  EXPECT_FALSE(settled.class_weights.balanced);
  // A class that nobody has weighs nothing.
  EXPECT_EQ(balanced_by(asked, targets({0, 2}), 3).class_weights.values,
            (std::vector<double>{2.0 / 3, 0, 2.0 / 3}));
  EXPECT_EQ(balanced_by({.label_smoothing = 0.2}, targets({0, 2}), 3),
            (ClassificationOptions{.label_smoothing = 0.2}));
  EXPECT_EQ(error_of<UsageError>([&] { classification(asked); }),
            "class-weights balanced is by the counts of a training set");
  EXPECT_EQ(error_of<UsageError>([&] {
              balanced_by(asked, at::zeros({3, 1}), 3);
            }),
            "class-weights balanced needs one class an example");
}

TEST(Classification, WeightsAreAsManyAsThereAreLogits) {
  const auto refusal = [](const char* text) {
    return error_of<UsageError>([&] { parse_class_weights(text); });
  };
  EXPECT_EQ(parse_class_weights("1,2.5,0").values, (std::vector<double>{1, 2.5, 0}));
  EXPECT_EQ(class_weights_text({{1, 2.5}}), "1,2.5");
  EXPECT_TRUE(parse_class_weights("").values.empty());
  EXPECT_TRUE(parse_class_weights("balanced").balanced);
  EXPECT_EQ(class_weights_text({.balanced = true}), "balanced");
  EXPECT_EQ(refusal("1,-2"),
            "class-weights must be numbers of at least 0 with commas between them, or "
            "balanced, got '1,-2'");
  EXPECT_EQ(refusal("0,0"), "class-weights: one weight must be above 0, got '0,0'");
  const Task& task = classification({.class_weights = {{1, 2}}});
  EXPECT_EQ(error_of<UsageError>([&] {
              task.check(at::zeros({2, 3}), {.examples = 2, .targets = targets({0, 1})});
            }),
            "class-weights are 2 weights, but the model returns 3 logits");
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
