#include "valley/topology/spectrum.h"

#include <algorithm>
#include <cmath>

namespace valley {
namespace {

// After this many squarings the constants in ||A^k|| <= c rho^k are gone from the k-th root.
constexpr int kSquarings = 48;

double trace(const MixingMatrix& a) {
  double sum = 0;
  for (int j = 0; j < a.size(); ++j) sum += a(j, j);
  return sum;
}

// exp(a) by its series; ||a|| is about 1, so 24 terms are more than double precision holds.
MixingMatrix exponential(const MixingMatrix& a) {
  MixingMatrix sum = MixingMatrix::identity(a.size()), term = sum;
  for (int i = 1; i <= 24; ++i) {
    term = scaled(a * term, 1.0 / i);
    sum = add(sum, 1, term);
  }
  return sum;
}

}  // namespace

double spectral_radius(const MixingMatrix& a) {
  MixingMatrix power = a;
  double log_radius = 0, share = 1;
  for (int i = 0; i <= kSquarings; ++i) {
    const double size = std::sqrt(square_sum(power));
    if (size == 0) return 0;
    log_radius += share * std::log(size);
    power = scaled(power, 1 / size);
    if (i < kSquarings) power = power * power;
    share /= 2;
  }
  return std::exp(log_radius);
}

bool powers_vanish(MixingMatrix a) {
  double log_size = 0;  // the power is e^log_size a
  for (int i = 0; i < kSquarings; ++i) {
    const double size = std::sqrt(square_sum(a));
    if (size == 0) return true;
    log_size += std::log(size);
    if (log_size < 0) return true;  // rho(A)^k <= ||A^k|| < 1
    a = scaled(a, 1 / size);
    // |trace A^k| <= n rho(A)^k
    if (log_size + std::log(std::abs(trace(a)) / a.size()) > 0) return false;
    a = a * a;
    log_size *= 2;
  }
  return false;
}

double spectral_norm(const MixingMatrix& a) {
  return std::sqrt(spectral_radius(a.transposed() * a));
}

double mixing_rate(const MixingMatrix& p) {
  return spectral_norm(add(p, -1, MixingMatrix::averaging(p.size())));
}

double lambda_min(const MixingMatrix& p) {
  return -std::log(spectral_radius(exponential(scaled(p, -1))));
}

double awc_limit(const std::vector<MixingMatrix>& matrices) {
  if (matrices.size() == 1 && matrices.front().symmetric()) {
    return std::max(0.0, 1 + lambda_min(matrices.front()));
  }
  const int n = matrices.front().size();
  const MixingMatrix identity = MixingMatrix::identity(n);
  const auto stable = [&](double c) {
    MixingMatrix product = identity;
    for (const auto& p : matrices) product = add(p, -c, identity) * product;
    return powers_vanish(product);
  };
  constexpr double kStep = 1.0 / 32;
  double low = 0;
  // At 2 the mean itself only changes its sign.
  while (low < 2 && stable(low + kStep)) low += kStep;
  double high = std::min(2.0, low + kStep);
  for (int i = 0; i < 30; ++i) {
    const double middle = (low + high) / 2;
    (stable(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace valley
