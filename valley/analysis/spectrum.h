#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "valley/analysis/estimate.h"
#include "valley/analysis/lanczos.h"

namespace valley {

struct SpectrumOptions {
  int64_t probes = 3;
  int64_t steps = 20;  ///< of each
  uint64_t seed = 0;
};

/// The spectrum of a symmetric operator [d, d] as a quadrature: sum_i f(eigenvalue_i) is about
/// d sum_j w_j f(value_j), averaged over random probes.
class Spectrum {
 public:
  Spectrum(std::vector<Ritz> probes, int64_t dimension)
      : probes_(std::move(probes)), dimension_(dimension) {}

  const std::vector<Ritz>& probes() const { return probes_; }
  double smallest() const;  ///< Ritz value of any probe; eigenvalues may lie below
  double largest() const;

  /// sum_i f(eigenvalue_i).
  Estimate sum(const std::function<double(double)>& f) const;

  /// Eigenvalues a unit at each point of the grid, over their number, so that the integral is 1:
  /// every value of the quadrature drawn as a normal bump of this width.
  std::vector<double> density(const std::vector<double>& grid, double width) const;

 private:
  std::vector<Ritz> probes_;
  int64_t dimension_;
};

/// Stochastic Lanczos quadrature: a Lanczos run from every probe, a vector of independent normal
/// numbers. The probes advance together and share their products.
///
/// Cost: probes * steps products. Memory: probes * (steps + 1) * d values.
///
/// Reference: Ghorbani, Krishnan and Xiao, "An Investigation into Neural Net Optimization via
/// Hessian Eigenvalue Density", ICML 2019, arXiv:1901.10159.
Spectrum lanczos_spectrum(const SymmetricProducts& products, const at::Tensor& like,
                          const SpectrumOptions& options);

}  // namespace valley
