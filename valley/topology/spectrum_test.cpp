#include "valley/topology/spectrum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "valley/topology/topology.h"

namespace valley::spectrum_test {
namespace {

MixingMatrix first(const std::string& name, int n) {
  return make_topology(name, {.workers = n})->matrix(0);
}

TEST(SpectralRadius, OfMatricesThatAreNotSymmetric) {
  MixingMatrix rotation(2);  // eigenvalues +-2i
  rotation(0, 1) = -4;
  rotation(1, 0) = 1;
  EXPECT_NEAR(spectral_radius(rotation), 2, 1e-13);
  MixingMatrix defective(2);  // 0.9 twice, one eigenvector
  defective(0, 0) = defective(1, 1) = 0.9;
  defective(0, 1) = 5;
  EXPECT_NEAR(spectral_radius(defective), 0.9, 1e-11);
  MixingMatrix nilpotent(2);
  nilpotent(0, 1) = 1;
  EXPECT_EQ(spectral_radius(nilpotent), 0);
  EXPECT_TRUE(powers_vanish(defective));
  EXPECT_TRUE(powers_vanish(nilpotent));
  EXPECT_FALSE(powers_vanish(rotation));
  EXPECT_TRUE(powers_vanish(scaled(rotation, 0.4999)));
  EXPECT_FALSE(powers_vanish(scaled(rotation, 0.5001)));
  EXPECT_NEAR(spectral_norm(nilpotent), 1, 1e-13);
  EXPECT_NEAR(spectral_norm(rotation), 4, 1e-12);
}

TEST(MixingRate, OfTheTableInTheSpecification) {
  const struct {
    const char* name;
    int n;
    double rho;
  } table[] = {
      {"ring", 4, .333333},          {"ring", 5, .539345},          {"ring", 6, .666667},
      {"ring", 8, .804738},          {"ring", 16, .949253},         {"ring", 32, .987190},
      {"directed-ring", 4, .707107}, {"directed-ring", 8, .923880}, {"directed-ring", 16, .980785},
      {"exponential", 4, 1.0 / 3},   {"exponential", 6, .5},        {"exponential", 8, .5},
      {"exponential", 10, .6},       {"exponential", 12, .6},       {"exponential", 16, .6},
      {"exponential", 32, .666667},  {"exponential", 64, .714286},  {"exponential", 5, .25},
      {"exponential", 7, .353553},   {"exponential", 11, .489581},
  };
  for (const auto& [name, n, rho] : table) {
    EXPECT_NEAR(mixing_rate(first(name, n)), rho, 6e-7) << name << " " << n;
  }
}

TEST(MixingRate, ClosedForms) {
  const double pi = std::numbers::pi;
  for (const int n : {1, 2, 3, 4, 7, 16}) {
    EXPECT_NEAR(mixing_rate(first("complete", n)), 0, 1e-14) << n;
  }
  for (const int n : {4, 5, 9, 16, 33}) {
    EXPECT_NEAR(mixing_rate(first("ring", n)), (1 + 2 * std::cos(2 * pi / n)) / 3, 1e-12) << n;
    EXPECT_NEAR(mixing_rate(first("directed-ring", n)), std::cos(pi / n), 1e-12) << n;
    EXPECT_NEAR(mixing_rate(first("star", n)), 1 - 1.0 / n, 1e-12) << n;
  }
  for (int d = 1; d <= 6; ++d) {
    EXPECT_NEAR(mixing_rate(first("hypercube", 1 << d)), (d - 1.0) / (d + 1), 1e-12) << d;
  }
  EXPECT_NEAR(mixing_rate(MixingMatrix::identity(3)), 1, 1e-12);
}

TEST(LambdaMin, OfRings) {
  for (const int n : {4, 6, 8, 16, 32}) {
    EXPECT_NEAR(lambda_min(first("ring", n)), -1.0 / 3, 1e-12) << n;
  }
  EXPECT_NEAR(lambda_min(first("ring", 5)), -.206011, 6e-7);
  EXPECT_NEAR(lambda_min(MixingMatrix::identity(3)), 1, 1e-13);
  EXPECT_NEAR(lambda_min(first("complete", 5)), 0, 1e-13);
  for (const int d : {1, 2, 3, 4}) {
    EXPECT_NEAR(lambda_min(first("hypercube", 1 << d)), (1.0 - d) / (d + 1), 1e-13) << d;
  }
}

// A directed ring has the eigenvalues (1 + w) / 2, w^n = 1.
TEST(LambdaMin, IsTheSmallestRealPart) {
  for (const int n : {3, 4, 5, 8}) {
    const double nearest = std::cos(2 * std::numbers::pi * (n / 2) / n);
    EXPECT_NEAR(lambda_min(first("directed-ring", n)), (1 + nearest) / 2, 1e-12) << n;
  }
  // Eigenvalues .2 and .2 +- 1i/2: the one far from the real axis does not count for more.
  MixingMatrix p(2);
  p(0, 0) = p(1, 1) = .2;
  p(0, 1) = .5;
  p(1, 0) = -.5;
  EXPECT_NEAR(lambda_min(p), .2, 1e-13);
}

TEST(AwcLimit, IsOnePlusLambdaMin) {
  EXPECT_NEAR(awc_limit({first("ring", 8)}), 2.0 / 3, 1e-12);
  EXPECT_NEAR(awc_limit({first("complete", 8)}), 1, 1e-12);
  EXPECT_NEAR(awc_limit({MixingMatrix::identity(4)}), 2, 1e-12);
  MixingMatrix swap(2);  // its eigenvalue -1 cannot be damped
  swap(0, 1) = swap(1, 0) = 1;
  EXPECT_NEAR(awc_limit({swap}), 0, 1e-12);
}

// |lambda - c| < 1 for every eigenvalue, c < Re + sqrt(1 - Im^2).
TEST(AwcLimit, OfDirectedGraphs) {
  for (const int n : {3, 4, 5, 8, 16}) {
    for (const int peers : {1, 2}) {
      MixingMatrix p(n);
      double expected = 2;
      for (int j = 0; j < n; ++j) {
        std::complex<double> eigenvalue = 0;
        for (int hop = 0; hop <= peers; ++hop) {
          p((j + hop) % n, j) += 1.0 / (peers + 1);
          eigenvalue += std::polar(1.0 / (peers + 1), 2 * std::numbers::pi * j * hop / n);
        }
        expected =
            std::min(expected, eigenvalue.real() + std::sqrt(1 - std::pow(eigenvalue.imag(), 2)));
      }
      EXPECT_NEAR(awc_limit({p}), expected, 1e-8) << n << " " << peers;
    }
  }
}

// Two matrices in turn: the limit is where simulated awc begins to grow.
TEST(AwcLimit, OfACycle) {
  const auto topology = make_topology("one-peer-exponential", {.workers = 8});
  std::vector<MixingMatrix> matrices;
  for (int t = 0; t < 3; ++t) matrices.push_back(topology->matrix(t));
  const double limit = awc_limit(matrices);
  const auto growth = [&](double c) {
    MixingMatrix x(8);  // 8 starts at once, in columns
    for (int j = 0; j < 8; ++j) x(j, j) = 1;
    for (int t = 0; t < 3000; ++t) {
      x = add(matrices[static_cast<size_t>(t % 3)], -c, MixingMatrix::identity(8)) * x;
    }
    return spectral_norm(x);
  };
  EXPECT_LT(growth(limit - 0.02), 1e-3);
  EXPECT_GT(growth(limit + 0.02), 1e3);
}

// Adapt while communicate on f = x^2 / 2, ring of 8: .6 converges, .7 diverges; with atc 1.9
// converges, 2.01 diverges.
TEST(AwcLimit, IsWhereARingOfEightDiverges) {
  const MixingMatrix p = first("ring", 8);
  const auto after = [&](double c, bool adapt_first) {
    std::vector<double> x(8);
    for (size_t j = 0; j < 8; ++j) x[j] = 1 + 1e-3 * (j % 2 == 0 ? 1 : -1);
    for (int t = 0; t < 1000; ++t) {
      std::vector<double> next(8, 0.0);
      for (int j = 0; j < 8; ++j) {
        const auto row = static_cast<size_t>(j);
        for (int k = 0; k < 8; ++k) {
          const auto column = static_cast<size_t>(k);
          next[row] += p(j, k) * (adapt_first ? (1 - c) * x[column] : x[column]);
        }
        if (!adapt_first) next[row] -= c * x[row];
      }
      x = next;
    }
    double largest = 0;
    for (const double value : x) largest = std::max(largest, std::abs(value));
    return largest;
  };
  EXPECT_LT(after(.6, false), 1e-6);
  EXPECT_GT(after(.7, false), 1e6);
  EXPECT_LT(after(1.9, true), 1e-6);
  EXPECT_GT(after(2.01, true), 1e4);
}

}  // namespace
}  // namespace valley::spectrum_test
