#include "valley/evaluation/class_answers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>

#include <cmath>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/models/wrap.h"

namespace valley::class_answers_test {
namespace {

// Answers what stands in the example: its seven values are the logits.
struct Echo : torch::nn::Module {
  Echo() { zero = register_parameter("zero", at::zeros({1})); }
  at::Tensor forward(const at::Tensor& x) { return x.flatten(1) + zero; }

  at::Tensor zero;
};

// Examples whose largest value stands at `answers`, the others falling with the place.
std::shared_ptr<const Dataset> examples(std::vector<int64_t> targets, std::vector<int64_t> answers,
                                        int64_t classes) {
  auto data = std::make_shared<Dataset>();
  at::Tensor logits = at::one_hot(at::tensor(answers, at::kLong), classes).to(at::kFloat) * 100;
  for (int64_t c = 0; c < classes; ++c) logits.select(1, c).sub_(static_cast<double>(c));
  data->inputs = logits.view({-1, classes, 1, 1});
  data->targets = at::tensor(targets, at::kLong);
  data->classes = classes;
  data->mean.assign(static_cast<size_t>(classes), 0.0f);
  data->stddev.assign(static_cast<size_t>(classes), 1.0f);
  return data;
}

ClassAnswers answers(const std::shared_ptr<const Dataset>& data, Communicator& comm) {
  const auto model = wrap(std::make_shared<Echo>());
  return class_answers(*model, data, *data, comm, {.batch_size = 2});
}

TEST(ClassAnswers, CountsEveryPairForEveryNumberOfWorkers) {
  const auto data = examples({0, 0, 0, 1, 1, 2, 3}, {0, 2, 2, 1, 0, 2, 0}, 4);
  for (const int workers : {1, 3}) {
    run_threads(workers, [&](Communicator& comm) {
      const ClassAnswers found = answers(data, comm);
      const std::vector<std::vector<int64_t>> expected = {
          {1, 0, 2, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 0, 0}};
      EXPECT_EQ(found.counts, expected);
      EXPECT_EQ(found.examples, 7);
      EXPECT_DOUBLE_EQ(found.accuracy(0), 1.0 / 3);
      EXPECT_EQ(found.taken_for(0), 2);
      EXPECT_EQ(found.taken_for(2), -1);
      EXPECT_FALSE(found.has_top5());
    });
  }
}

TEST(ClassAnswers, TopFiveAreTheFiveLargest) {
  // Behind the answer the order is 0, 1, 2, ...: with the answer 6 the five are 6, 0, 1, 2, 3.
  const auto data = examples({6, 0, 3, 4, 5}, {6, 6, 6, 6, 6}, 7);
  const ClassAnswers found = answers(data, *make_solo());
  EXPECT_TRUE(found.has_top5());
  EXPECT_DOUBLE_EQ(found.top5_accuracy(), 3.0 / 5);
  EXPECT_TRUE(std::isnan(found.accuracy(1)));
}

TEST(ClassAnswers, NeedClasses) {
  auto data = std::make_shared<Dataset>(*examples({0}, {0}, 2));
  data->targets = data->targets.to(at::kFloat).view({1, 1});
  EXPECT_EQ(error_of<UsageError>([&] { answers(data, *make_solo()); }),
            "the examples have no classes");
}

}  // namespace
}  // namespace valley::class_answers_test
