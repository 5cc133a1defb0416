#include "valley/data/log_mel.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>

#include "valley/core/random.h"

namespace valley::log_mel_test {
namespace {

using testing::ElementsAre;

constexpr double kPi = std::numbers::pi;

double hann(int64_t t, int64_t window) {
  return 0.5 - 0.5 * std::cos(2 * kPi * double(t) / double(window));
}

at::Tensor noise(int64_t n) {
  Random random(4);
  const at::Tensor samples = at::zeros({n}, at::kFloat);
  for (int64_t t = 0; t < n; ++t) samples.data_ptr<float>()[t] = float(0.1 * random.normal());
  return samples;
}

at::Tensor tone(double hertz, double amplitude, int64_t n) {
  const at::Tensor samples = at::zeros({n}, at::kFloat);
  for (int64_t t = 0; t < n; ++t)
    samples.data_ptr<float>()[t] =
        float(amplitude * std::cos(2 * kPi * hertz * double(t) / 8000 + 0.3));
  return samples;
}

std::vector<float> values(const at::Tensor& tensor) {
  const float* data = tensor.data_ptr<float>();
  return {data, data + tensor.numel()};
}

TEST(Centred, PadsAndCropsOnBothSides) {
  const at::Tensor x = at::arange(1, 4, at::kFloat);  // 1 2 3
  EXPECT_THAT(values(centred(x, 3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(values(centred(x, 5)), ElementsAre(0, 1, 2, 3, 0));
  EXPECT_THAT(values(centred(x, 6)), ElementsAre(0, 1, 2, 3, 0, 0));
  EXPECT_THAT(values(centred(x, 1)), ElementsAre(2));
  EXPECT_THAT(values(centred(x, 2)), ElementsAre(1, 2));
}

TEST(PowerSpectrum, IsTheSumInItsDefinition) {
  const LogMelOptions options{.window = 20, .hop = 7, .fft = 32};
  const at::Tensor samples = noise(20 + 2 * 7);
  const at::Tensor power = power_spectrum(samples, options);
  ASSERT_THAT(power.sizes().vec(), ElementsAre(3, 17));
  for (int64_t f = 0; f < 3; ++f)
    for (int64_t k = 0; k <= 16; ++k) {
      std::complex<double> sum;
      for (int64_t t = 0; t < 20; ++t)
        sum += hann(t, 20) * double(samples.data_ptr<float>()[7 * f + t]) *
               std::polar(1.0, -2 * kPi * double(k * t) / 32);
      const double twins = k == 0 || k == 16 ? 1 : 2;
      EXPECT_NEAR(power[f][k].item<double>(), twins * std::norm(sum) / 32, 1e-12);
    }
}

TEST(PowerSpectrum, Parseval) {
  const LogMelOptions options;
  const at::Tensor samples = noise(200 + 9 * 80);
  const at::Tensor power = power_spectrum(samples, options);
  ASSERT_THAT(power.sizes().vec(), ElementsAre(10, 129));
  for (int64_t f = 0; f < 10; ++f) {
    double energy = 0;
    for (int64_t t = 0; t < 200; ++t)
      energy += std::pow(hann(t, 200) * double(samples.data_ptr<float>()[80 * f + t]), 2);
    EXPECT_NEAR(power[f].sum().item<double>() / energy, 1, 1e-12);
  }
}

TEST(PowerSpectrum, OfATone) {
  // 1000 Hz is point 32 of 256 at 8 kHz. The window sums up to 100, its square to 75.
  const at::Tensor power = power_spectrum(tone(1000, 0.5, 200), {})[0];
  EXPECT_EQ(power.argmax().item<int64_t>(), 32);
  EXPECT_NEAR(power[32].item<double>(), 2 * std::pow(0.5 * 100 / 2, 2) / 256, 1e-5);
  EXPECT_NEAR(power.sum().item<double>(), 0.5 * 0.5 * 75 / 2, 1e-5);
}

TEST(MelFilters, AreTrianglesThatSumUpToOne) {
  const at::Tensor filters = mel_filters({});
  ASSERT_THAT(filters.sizes().vec(), ElementsAre(40, 129));
  EXPECT_TRUE(filters.ge(0).all().item<bool>());
  EXPECT_TRUE(filters.le(1).all().item<bool>());
  EXPECT_TRUE(filters.sum(1).gt(0.1).all().item<bool>()) << "a band without a frequency";
  // Between the first peak and the last, what a triangle loses its neighbour gains.
  const double step = 2595 * std::log10(1 + 4000.0 / 700) / 41;
  const auto hertz = [&](double peak) { return 700 * (std::pow(10, peak * step / 2595) - 1); };
  for (int64_t k = 0; k < 129; ++k) {
    const double f = 31.25 * double(k);
    if (f < hertz(1) || f > hertz(40)) continue;
    EXPECT_NEAR(filters.select(1, k).sum().item<double>(), 1, 1e-12) << f;
  }
  EXPECT_EQ(filters.select(1, 0).sum().item<double>(), 0);
  EXPECT_NEAR(filters.select(1, 128).sum().item<double>(), 0, 1e-12);
}

TEST(LogMel, AToneIsInItsBand) {
  for (const double hertz : {300.0, 440.0, 777.0, 1000.0, 1500.0, 2345.0, 3500.0}) {
    const at::Tensor bands = log_mel(tone(hertz, 0.5, 200 + 19 * 80), 20);
    ASSERT_THAT(bands.sizes().vec(), ElementsAre(20, 40));
    const double place =
        std::log10(1 + hertz / 700) / std::log10(1 + 4000.0 / 700) * 41;  // peaks at 1 to 40
    for (int64_t f = 0; f < 20; ++f)
      EXPECT_NEAR(double(bands[f].argmax().item<int64_t>()) + 1, place, 0.75) << hertz;
    // Nearly all of its energy, 0.5^2 75 / 2, is in the bands.
    EXPECT_NEAR(bands[0].exp().sum().item<double>(), 9.375, 0.01 * 9.375) << hertz;
  }
}

TEST(LogMel, SilenceIsTheFloor) {
  const at::Tensor bands = log_mel(at::zeros({10}, at::kFloat), 3);
  ASSERT_THAT(bands.sizes().vec(), ElementsAre(3, 40));
  EXPECT_TRUE(bands.eq(float(std::log(1e-6))).all().item<bool>());
}

TEST(LogMel, AShortSoundStandsInTheMiddle) {
  // 64 frames span 5240 samples; 80 of them in the middle are heard by the three or four frames
  // around the middle.
  const at::Tensor bands = log_mel(tone(1000, 0.5, 80), 64);
  const at::Tensor heard = bands.gt(float(std::log(1e-6)) + 1).any(1);
  for (int64_t f = 0; f < 64; ++f) {
    const int64_t begin = 80 * f, end = begin + 200;
    EXPECT_EQ(heard[f].item<bool>(), begin < 2660 && end > 2580) << f;
  }
}

}  // namespace
}  // namespace valley::log_mel_test
