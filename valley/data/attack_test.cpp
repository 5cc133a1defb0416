#include "valley/data/attack.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::attack_test {
namespace {

// Two channels of numbers, with deviations of their own.
Dataset numbers() {
  return {.inputs = at::zeros({1, 2, 1, 2}),
          .targets = at::zeros({1}, at::kLong),
          .mean = {0, 0},
          .stddev = {2, 0.5}};
}

Dataset bytes() {
  Dataset data = numbers();
  data.inputs = data.inputs.to(at::kByte);
  data.mean = {0.5, 0.25};
  return data;
}

// l(x) = w . x, whose gradient is w everywhere.
const at::Tensor& w() {
  static const at::Tensor weights = at::tensor({3.0F, -1.0F, 0.0F, 2.0F}).view({1, 2, 1, 2});
  return weights;
}

at::Tensor gradient_of_linear(const at::Tensor& input) {
  return input_gradient(input, [](const at::Tensor& x) { return (w() * x).sum(); });
}

TEST(Attack, FgsmOfALinearLossIsTheWorstInTheBall) {
  const Attack attack(parse_attack("fgsm:0.1"), numbers());
  const at::Tensor x = at::randn({1, 2, 1, 2}), before = x.clone();
  const at::Tensor worst = attack.worst(x, 0, gradient_of_linear);
  // EPS over each channel's deviation; where the loss does not depend on a value it stays.
  const at::Tensor expected = x + at::tensor({0.05F, -0.05F, 0.0F, 0.2F}).view({1, 2, 1, 2});
  EXPECT_TRUE(at::allclose(worst, expected, 0, 1e-6));
  EXPECT_TRUE(at::equal(x, before));
  // l(x') - l(x) = sum_i EPS / stddev_i |w_i|
  EXPECT_NEAR((w() * (worst - x)).sum().item<double>(), 0.05 * 4 + 0.2 * 2, 1e-6);
}

// Wherever it begins, steps of twice the way lead to the same corner of the ball, and stay there.
TEST(Attack, PgdOfALinearLossEndsInTheSameCorner) {
  const at::Tensor x = at::randn({1, 2, 1, 2});
  const at::Tensor corner =
      Attack(parse_attack("fgsm:0.1"), numbers()).worst(x, 0, gradient_of_linear);
  const Attack attack(parse_attack("pgd:0.1:4"), numbers());
  for (const uint64_t seed : {1, 2, 3}) {
    const at::Tensor worst = attack.worst(x, seed, gradient_of_linear);
    const at::Tensor moved = w().ne(0);
    EXPECT_TRUE(at::allclose(worst * moved, corner * moved, 0, 1e-6));
    EXPECT_LE(((worst - x) * at::tensor({2.0F, 0.5F}).view({1, 2, 1, 1})).abs().max().item<float>(),
              0.1F + 1e-6F);
  }
}

TEST(Attack, PgdBeginsAtRandomBySeedAndGoesAsFarAsItsSteps) {
  const at::Tensor x = at::randn({1, 2, 1, 2});
  const Attack attack(parse_attack("pgd:1:2:0.01"), numbers());
  const auto nowhere = [](const at::Tensor& input) { return at::zeros(input.sizes()); };
  const at::Tensor start = attack.worst(x, 7, nowhere);
  EXPECT_TRUE(at::equal(start, attack.worst(x, 7, nowhere)));
  EXPECT_FALSE(at::equal(start, attack.worst(x, 8, nowhere)));
  EXPECT_GT((start - x).abs().max().item<float>(), 0);
  const at::Tensor moved = attack.worst(x, 7, gradient_of_linear) - start;
  const at::Tensor most = at::tensor({0.01F, -0.01F, 0.0F, 0.04F}).view({1, 2, 1, 2});
  EXPECT_LE((moved.abs() - most.abs()).max().item<float>(), 1e-6F);
}

// Along the gradient of a loss that bends, the second step sees another gradient than the first.
TEST(Attack, PgdLooksAtTheGradientOfEveryStep) {
  std::vector<at::Tensor> seen;
  Attack(parse_attack("pgd:0.5:3:0.5"), numbers())
      .worst(at::zeros({1, 2, 1, 2}), 0, [&](const at::Tensor& input) {
        seen.push_back(input.clone());
        return input_gradient(input, [](const at::Tensor& x) { return x.pow(2).sum(); });
      });
  ASSERT_EQ(seen.size(), 3);
  EXPECT_FALSE(at::equal(seen[0], seen[1]));
  EXPECT_TRUE(at::equal(seen[1].sign(), seen[2].sign()));
}

TEST(Attack, BytesStayInTheirRange) {
  const Attack attack(parse_attack("fgsm:10"), bytes());
  const at::Tensor worst = attack.worst(at::zeros({1, 2, 1, 2}), 0, gradient_of_linear);
  // (1 - 0.5) / 2, (0 - 0.5) / 2; w = 0 stays; (1 - 0.25) / 0.5
  EXPECT_TRUE(at::allclose(worst, at::tensor({0.25F, -0.25F, 0.0F, 1.5F}).view({1, 2, 1, 2})));
}

TEST(Attack, TextIsRefused) {
  Dataset text = bytes();
  text.vocabulary = 256;
  EXPECT_EQ(error_of<UsageError>([&] { Attack(parse_attack("fgsm:0.5"), text); }),
            "adversarial fgsm:0.5 changes values, and the data are text");
}

TEST(Attack, ANetworkMayWriteToWhatItIsGiven) {
  const at::Tensor g = input_gradient(at::tensor({1.0F, 2.0F}), [](const at::Tensor& x) {
    at::Tensor y = x;
    return y.mul_(3).sum();
  });
  EXPECT_TRUE(at::equal(g, at::tensor({3.0F, 3.0F})));
}

TEST(AttackSpec, ReadsWhatItWrites) {
  for (const char* text : {"none", "fgsm:0.1", "pgd:0.1:4:0.05"})
    EXPECT_EQ(to_string(parse_attack(text)), text);
  EXPECT_EQ(to_string(parse_attack("pgd:0.2:5")), "pgd:0.2:5:0.1");
  EXPECT_EQ(parse_attack("fgsm:8/255").epsilon, 8.0 / 255);
  EXPECT_FALSE(parse_attack("none").any());
}

TEST(AttackSpec, EveryErrorSaysWhatIsWrong) {
  const auto message = [](const char* text) {
    return error_of<UsageError>([&] { parse_attack(text); });
  };
  EXPECT_EQ(message("fgms:1"),
            "unknown attack 'fgms'; did you mean 'fgsm'? known: none, fgsm, pgd");
  EXPECT_EQ(message("fgsm"), "adversarial fgsm:EPS needs a number EPS above 0, got ''");
  EXPECT_EQ(message("fgsm:0"), "adversarial fgsm:EPS needs a number EPS above 0, got '0'");
  EXPECT_EQ(message("fgsm:1/0"), "adversarial fgsm:EPS needs a number EPS above 0, got '1/0'");
  EXPECT_EQ(message("fgsm:1/x"), "adversarial fgsm:EPS needs a number EPS above 0, got '1/x'");
  EXPECT_EQ(message("fgsm:1:2"), "adversarial fgsm:1:2 has too many values");
  EXPECT_EQ(message("none:1"), "adversarial none:1 has too many values");
  EXPECT_EQ(message("pgd:1"),
            "adversarial pgd:EPS:STEPS[:STEP] needs a whole number STEPS of at least 1, got ''");
  EXPECT_EQ(message("pgd:1:2:-1"),
            "adversarial pgd:EPS:STEPS[:STEP] needs a number STEP above 0, got '-1'");
}

}  // namespace
}  // namespace valley::attack_test
