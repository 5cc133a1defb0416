#include "valley/analysis/lanczos.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "valley/analysis/length.h"
#include "valley/core/error.h"

namespace valley {
LanczosRun::LanczosRun(const at::Tensor& start, int64_t steps)
    : most_(std::min(steps, start.numel())) {
  const double norm = length(start);
  require(std::isfinite(norm) && norm > 0, "Lanczos needs a start that is finite and not zero");
  require(steps >= 1, "Lanczos needs at least one step, got {}", steps);
  const c10::NoGradGuard no_grad;
  // Pages that are never written to take no memory.
  basis_ = at::empty({most_ + 1, start.numel()}, start.options().requires_grad(false));
  basis_.select(0, 0).copy_(start).div_(norm);
}

at::Tensor LanczosRun::vector() const { return basis_.select(0, steps()); }

void LanczosRun::absorb(const at::Tensor& product) {
  const c10::NoGradGuard no_grad;
  const int64_t k = steps();
  at::Tensor w = product.detach().to(basis_.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
  const double norm = length(w);
  require(std::isfinite(norm), "a product with the Hessian is not finite");
  largest_ = std::max(largest_, norm);

  const at::Tensor known = basis_.narrow(0, 0, k + 1);
  double alpha = 0;
  for (int pass = 0; pass < 2; ++pass) {
    const at::Tensor along = at::mv(known, w);
    alpha += along[k].item<double>();
    w.sub_(at::mv(known.t(), along));
  }
  diagonal_.push_back(alpha);
  const double beta = length(w);
  const double epsilon = basis_.scalar_type() == at::kDouble
                             ? std::numeric_limits<double>::epsilon()
                             : std::numeric_limits<float>::epsilon();
  beside_.push_back(beta);
  // What is left is rounding error of the products.
  exhausted_ = beta <= 8 * epsilon * largest_;
  if (!exhausted_) basis_.select(0, k + 1).copy_(w.div_(beta));
}

at::Tensor LanczosRun::tridiagonal() const {
  const int64_t k = steps();
  const at::Tensor matrix = at::zeros({k, k}, at::kDouble);
  for (int64_t i = 0; i < k; ++i) {
    matrix[i][i].fill_(diagonal_[i]);
    if (i + 1 < k) {
      matrix[i][i + 1].fill_(beside_[i]);
      matrix[i + 1][i].fill_(beside_[i]);
    }
  }
  return matrix;
}

at::Tensor LanczosRun::largest_vectors(int64_t count) const {
  const auto eigen = at::linalg_eigh(tridiagonal());
  const at::Tensor small = std::get<1>(eigen).narrow(1, steps() - count, count).flip(1).t();
  const at::Tensor vectors = at::matmul(small.to(basis_.options()), basis_.narrow(0, 0, steps()));
  return vectors.div(vectors.norm(2, {1}, /*keepdim=*/true));
}

Ritz LanczosRun::ritz() const {
  const int64_t k = steps();
  const auto [values, vectors] = at::linalg_eigh(tridiagonal());
  Ritz ritz;
  for (int64_t i = 0; i < k; ++i) {
    const double first = vectors[0][i].item<double>(), last = vectors[k - 1][i].item<double>();
    ritz.values.push_back(values[i].item<double>());
    ritz.weights.push_back(first * first);
    ritz.residuals.push_back(beside_.back() * std::abs(last));
  }
  return ritz;
}

int64_t steps_within(int64_t bytes, int64_t wanted, int64_t runs, const at::Tensor& like) {
  const auto vector = static_cast<int64_t>(like.nbytes());
  return std::clamp<int64_t>(bytes / std::max<int64_t>(runs * vector, 1) - 1, 2,
                             std::max<int64_t>(wanted, 2));
}

LargestEigenvalue largest_eigenvalue(const SymmetricProducts& products, const at::Tensor& start,
                                     int64_t steps, double tolerance) {
  LanczosRun run(start, steps);
  LargestEigenvalue result;
  while (!run.done() && !result.converged) {
    run.absorb(products({run.vector()}).front());
    const Ritz ritz = run.ritz();
    result = {.value = ritz.values.back(), .residual = ritz.residuals.back(), .steps = run.steps()};
    result.converged = run.exhausted() || result.residual <= tolerance * std::abs(result.value);
  }
  return result;
}

}  // namespace valley
