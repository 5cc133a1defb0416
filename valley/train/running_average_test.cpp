#include "valley/train/running_average.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "valley/core/error.h"

namespace valley::running_average_test {
namespace {

std::vector<at::Tensor> drawn(int64_t count) {
  std::vector<at::Tensor> xs;
  for (int64_t r = 0; r < count; ++r) xs.push_back(at::randn({7}, at::kDouble));
  return xs;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// e(R) = beta^(R-1) x(1) + (1 - beta) sum_{r=2}^{R} beta^(R-r) x(r)
TEST(RunningAverage, EmaIsItsClosedForm) {
  for (const double beta : {0.0, 0.5, 0.99}) {
    const std::vector<at::Tensor> xs = drawn(20);
    RunningAverage average({.kind = AverageKind::kEma, .beta = beta});
    for (int rounds = 1; rounds <= 20; ++rounds) {
      average.take(xs[static_cast<size_t>(rounds - 1)]);
      at::Tensor expected = std::pow(beta, rounds - 1) * xs[0];
      for (int r = 2; r <= rounds; ++r)
        expected =
            expected + (1 - beta) * std::pow(beta, rounds - r) * xs[static_cast<size_t>(r - 1)];
      EXPECT_LT(distance(average.value(), expected), 1e-14);
    }
  }
}

TEST(RunningAverage, OfTheLastKIsTheirMean) {
  for (const int64_t count : {1, 3, 50}) {
    const std::vector<at::Tensor> xs = drawn(20);
    RunningAverage average({.kind = AverageKind::kLast, .count = count});
    for (int64_t rounds = 1; rounds <= 20; ++rounds) {
      average.take(xs[static_cast<size_t>(rounds - 1)]);
      at::Tensor sum = at::zeros_like(xs[0]);
      const int64_t taken = std::min(rounds, count);
      for (int64_t r = rounds - taken; r < rounds; ++r) sum += xs[static_cast<size_t>(r)];
      EXPECT_LT(distance(average.value(), sum / taken), 1e-14);
      EXPECT_EQ(static_cast<int64_t>(average.state().size()), taken);
    }
  }
}

TEST(RunningAverage, APlainOneAndOneBeforeTheFirstRoundHaveNone) {
  RunningAverage plain({}), ema({.kind = AverageKind::kEma, .beta = 0.9});
  plain.take(at::full({2}, 1.0));
  EXPECT_FALSE(plain.value().defined());
  EXPECT_TRUE(plain.state().empty());
  EXPECT_FALSE(ema.value().defined());
}

TEST(RunningAverage, WhatIsTakenIsCopiedAndWhatIsAskedForIsNot) {
  for (const AverageSpec& spec : {AverageSpec{.kind = AverageKind::kEma, .beta = 0.5},
                                  AverageSpec{.kind = AverageKind::kLast, .count = 2}}) {
    RunningAverage average(spec);
    at::Tensor x = at::full({2}, 1.0, at::kDouble);
    average.take(x);
    x.fill_(7);
    average.value().fill_(9);
    EXPECT_EQ(average.value()[0].item<double>(), 1);
  }
}

TEST(RunningAverage, GoesOnFromWhatWasSavedBitForBit) {
  for (const AverageSpec& spec : {AverageSpec{.kind = AverageKind::kEma, .beta = 0.8},
                                  AverageSpec{.kind = AverageKind::kLast, .count = 3}}) {
    for (const size_t stop : {0, 1, 4}) {
      const std::vector<at::Tensor> xs = drawn(9);
      RunningAverage whole(spec), before(spec), after(spec);
      for (const at::Tensor& x : xs) whole.take(x);
      for (size_t r = 0; r < stop; ++r) before.take(xs[r]);
      after.take(xs[8]);  // whatever it did before is forgotten
      after.load_state(before.state(), at::kCPU);
      for (size_t r = stop; r < xs.size(); ++r) after.take(xs[r]);
      EXPECT_TRUE(at::equal(after.value(), whole.value())) << to_string(spec) << stop;
    }
  }
}

TEST(RunningAverage, AnothersStateIsRefused) {
  RunningAverage last({.kind = AverageKind::kLast, .count = 2}), plain({});
  for (const at::Tensor& x : drawn(2)) last.take(x);
  EXPECT_EQ(error_of<UsageError>([&] { plain.load_state(last.state(), at::kCPU); }),
            "the checkpoint holds 2 vectors of another average");
}

TEST(AverageText, IsReadAndSpelled) {
  for (const char* text : {"plain", "ema:0.99", "last:10", "ema:0"})
    EXPECT_EQ(to_string(parse_average(text)), text);
  const auto refusal = [](const char* text) {
    return error_of<UsageError>([&] { parse_average(text); });
  };
  EXPECT_EQ(refusal("swa"), "average must be plain, ema:BETA or last:K, got 'swa'");
  EXPECT_EQ(refusal("ema:1"), "average ema:BETA needs a BETA in [0, 1), got 'ema:1'");
  EXPECT_EQ(refusal("ema:x"), "average ema:BETA needs a BETA in [0, 1), got 'ema:x'");
  EXPECT_EQ(refusal("last:0"), "average last:K needs a K of at least 1, got 'last:0'");
}

}  // namespace
}  // namespace valley::running_average_test
