#include "valley/task/language.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::language_test {
namespace {

Scores scores(const Task& task, const at::Tensor& logits, const at::Tensor& target) {
  std::vector<double> sums(task.sums(target));
  // In two batches, as evaluations have them.
  const int64_t rest = target.size(0) - 1;
  task.add_scores(logits.narrow(0, 0, 1), target.narrow(0, 0, 1), sums);
  task.add_scores(logits.narrow(0, 1, rest), target.narrow(0, 1, rest), sums);
  return scores_of(task, sums, static_cast<double>(target.size(0)));
}

TEST(Language, WhoKnowsNothingNeedsAllBits) {
  const at::Tensor target = at::randint(16, {3, 5}, at::kByte);
  const Scores found = scores(language(), at::zeros({3, 5, 16}), target);
  EXPECT_NEAR(found.loss(), std::log(16), 1e-6);
  EXPECT_NEAR(found["bits_per_byte"], 4, 1e-6);
  EXPECT_NEAR(found["perplexity"], 16, 1e-4);
}

TEST(Language, PerplexityIsOfTheMeanOverAllTokens) {
  at::manual_seed(1);
  const at::Tensor logits = at::randn({4, 6, 9}), target = at::randint(9, {4, 6}, at::kLong);
  const double loss =
      -at::log_softmax(logits, 2).gather(2, target.unsqueeze(2)).mean().item<double>();
  for (const Task* task : {&language(), &language_of_tokens()}) {
    const Scores found = scores(*task, logits, target);
    EXPECT_NEAR(found.loss(), loss, 1e-6);
    EXPECT_NEAR(found["perplexity"], std::exp(loss), 1e-5);
    EXPECT_NEAR(task->loss(logits, target).item<double>(), loss, 1e-6);
  }
  EXPECT_EQ(language().sheet().main().name, "bits_per_byte");
  EXPECT_EQ(language_of_tokens().sheet().main().name, "perplexity");
  EXPECT_FALSE(language().sheet().main().more_is_better);
}

TEST(Language, ChanceIsTheEntropyOfTheBytes) {
  // a half, a quarter, two eighths: 7/4 bits
  const at::Tensor target = at::tensor({3, 3, 3, 3, 200, 200, 0, 7}, at::kByte).view({2, 4});
  EXPECT_NEAR(*language().chance(target), 1.75, 1e-9);
  EXPECT_NEAR(*language_of_tokens().chance(target), std::pow(2, 1.75), 1e-9);
}

TEST(Language, EntropyIsAMeanOverTokensAndASumOverExamples) {
  EXPECT_NEAR(language().entropy(at::zeros({3, 5, 16})), 3 * std::log(16), 1e-5);
  at::Tensor sure = at::full({1, 1, 2}, -INFINITY);
  sure.select(2, 0).zero_();
  EXPECT_EQ(language().entropy(sure), 0);
}

TEST(Language, OutputsThatCannotServeAreNamed) {
  const at::Tensor target = at::arange(6).view({2, 3});
  const auto refusal = [&](const at::Tensor& output, const OutputDemand& demand) {
    return error_of<UsageError>([&] { language().check(output, demand); });
  };
  EXPECT_EQ(refusal(at::zeros({2, 9}), {.examples = 2, .targets = target}),
            "the model must return logits [batch, 3, vocabulary], got [2, 9] for a batch of 2");
  EXPECT_EQ(refusal(at::zeros({2, 3, 5}), {.examples = 2, .targets = target}),
            "the model returns 5 logits a token, but there is a token 5");
  EXPECT_EQ(refusal(at::zeros({2, 3, 9}),
                    {.examples = 2, .targets = target, .data = "text:a", .classes = 256}),
            "the model returns 9 logits a token, but text:a has a vocabulary of 256");
  EXPECT_EQ(refusal(at::zeros({2, 3, 9}), {.examples = 2, .targets = at::zeros({2}, at::kLong)}),
            "language needs the next tokens of a text as targets, whole numbers [examples, "
            "context]; the batch has none");
  EXPECT_NO_THROW(language().check(at::zeros({2, 3, 6}), {.examples = 2, .targets = target}));
}

// Tokens of 1, 2 and 5 bytes: bits are counted a byte, perplexity a token.
TEST(Language, BitsAByteOfLongerTokens) {
  const Task& task = language({1, 2, 5});
  const at::Tensor target = at::tensor({0, 2, 1, 2, 2, 1}, at::kInt).view({3, 2});
  const Scores found = scores(task, at::zeros({3, 2, 3}), target);
  EXPECT_NEAR(found["perplexity"], 3, 1e-5);
  EXPECT_NEAR(found["bits_per_byte"], 6 * std::log2(3) / (1 + 5 + 2 + 5 + 5 + 2), 1e-6);
  // a sixth, a third, a half
  const double entropy = -(std::log2(1. / 6) / 6 + std::log2(1. / 3) / 3 + std::log2(0.5) / 2);
  EXPECT_NEAR(*task.chance(target), entropy * 6 / 20, 1e-9);
  EXPECT_EQ(&language({1, 2, 5}), &task);
  EXPECT_EQ(task.sheet().main().name, "bits_per_byte");
}

}  // namespace
}  // namespace valley::language_test
