#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace valley {

/// v -> A v of a symmetric operator, several vectors at once: [d] each.
using SymmetricProducts = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& vs)>;

/// What a Lanczos run knows of the spectrum. Values ascend.
struct Ritz {
  std::vector<double> values;
  /// Of the start vector along each, squared; they sum to 1. So sum_i w_i f(values_i) is
  /// start^T f(A) start, exact for polynomials of degree 2 k - 1 after k steps.
  std::vector<double> weights;
  std::vector<double> residuals;  ///< ||A y - value y||: an eigenvalue is this close
};

/// The Lanczos recurrence, one vector at a time, so that several can share their products:
///
///     LanczosRun run(start, 40);
///     while (!run.done()) run.absorb(product(run.vector()));
///     const Ritz ritz = run.ritz();
///
/// Every new vector is made orthogonal to all former ones, twice (full re-orthogonalisation):
/// without it rounding brings found eigenvalues back as ghosts.
///
/// Memory: (steps + 1) d values. Time of step k beside the product: 4 k d multiplications.
///
/// Reference: Golub and Van Loan, "Matrix Computations", 4th edition, 2013, chapter 10.
class LanczosRun {
 public:
  /// `start` is not zero, [d]. Takes at most min(steps, d) steps.
  LanczosRun(const at::Tensor& start, int64_t steps);

  bool done() const { return exhausted_ || steps() == most_; }
  bool exhausted() const { return exhausted_; }  ///< the values are exact: no new direction is left
  int64_t steps() const { return static_cast<int64_t>(diagonal_.size()); }
  at::Tensor vector() const;  ///< the next to be multiplied, of length 1

  /// @throws UsageError if the product is not finite.
  void absorb(const at::Tensor& product);
  Ritz ritz() const;

  /// Ritz vectors [count, d] of the largest values, descending, of length 1. count <= steps().
  at::Tensor largest_vectors(int64_t count) const;

 private:
  at::Tensor tridiagonal() const;

  int64_t most_;
  at::Tensor basis_;  // [most + 1, d]
  std::vector<double> diagonal_, beside_;
  double largest_ = 0;  // length of a product so far
  bool exhausted_ = false;
};

/// How many steps of `wanted` fit, for `runs` runs at once on vectors like `like`; at least 2.
int64_t steps_within(int64_t bytes, int64_t wanted, int64_t runs, const at::Tensor& like);

struct LargestEigenvalue {
  double value = 0;
  double residual = 0;  ///< an eigenvalue is this close to `value`
  int64_t steps = 0;
  bool converged = false;  ///< the residual is below the tolerance
};

/// The (algebraically) largest eigenvalue, by Lanczos up to `steps` steps, fewer if the residual
/// falls below tolerance * |value| before.
LargestEigenvalue largest_eigenvalue(const SymmetricProducts& products, const at::Tensor& start,
                                     int64_t steps, double tolerance);

}  // namespace valley
