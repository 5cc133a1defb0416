#include "valley/data/resample.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace valley::resample_test {
namespace {

at::Tensor tone(double hertz, int64_t rate, int64_t n) {
  return (at::arange(n, at::kDouble) * (2 * std::numbers::pi * hertz / double(rate)))
      .sin()
      .to(at::kFloat);
}

// Without the ends, where the sound begins out of silence.
at::Tensor middle(const at::Tensor& samples) {
  return samples.narrow(0, samples.numel() / 4, samples.numel() / 2);
}

// A sine of the one rate is the sine of the other.
TEST(Resample, TonesStayWhatTheyAre) {
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{48000, 8000},
                                 {44100, 8000},
                                 {8000, 16000},
                                 {11025, 8000},
                                 {8000, 11025}}) {
    const at::Tensor got = Resampler(from, to)(tone(1000, from, from / 4));
    EXPECT_EQ(got.numel(), (from / 4 * to + from - 1) / from);
    const at::Tensor expected = tone(1000, to, got.numel());
    EXPECT_LT((middle(got) - middle(expected)).abs().max().item<double>(), 1e-4) << from;
  }
}

TEST(Resample, WhatTheLowerRateCannotHoldIsDamped) {
  const at::Tensor got = Resampler(48000, 8000)(tone(5000, 48000, 48000));
  EXPECT_LT(middle(got).abs().max().item<double>(), 1e-3);
}

TEST(Resample, AConstantStaysWhatItIs) {
  const at::Tensor got = Resampler(44100, 8000)(at::ones({44100}, at::kFloat));
  EXPECT_LT((middle(got) - 1).abs().max().item<double>(), 1e-6);
}

TEST(Resample, EqualRatesCopyNothing) {
  const at::Tensor x = tone(100, 8000, 80);
  EXPECT_TRUE(Resampler(8000, 8000)(x).is_same(x));
  EXPECT_EQ(Resampler(16000, 8000)(tone(100, 16000, 1)).numel(), 1);
}

}  // namespace
}  // namespace valley::resample_test
