#pragma once

#include <vector>

#include "valley/topology/matrix.h"

/// What the eigenvalues of mixing matrices say about consensus and stability.
namespace valley {

/// The largest modulus of an eigenvalue of any square matrix, by Gelfand's formula
///
///     rho(A) = lim ||A^k||^(1/k),    k = 2^48 by repeated squaring,
///
/// so complex and defective eigenvalues need no care of their own. Accurate to about n 1e-15 for
/// normal matrices. Costs 48 products of matrices, 48 n^3 operations.
double spectral_radius(const MixingMatrix& a);

/// Whether the powers of `a` go to 0, that is spectral_radius(a) < 1. Cheaper than to know the
/// radius: decided at the first power that shows it.
bool powers_vanish(MixingMatrix a);

/// ||A||_2, the largest singular value: the square root of the spectral radius of A^T A.
double spectral_norm(const MixingMatrix& a);

/// rho = ||P - J||_2: in one step the distance to the mean shrinks to at most this share of what it
/// was, ||x - mean|| <= rho^t ||x_0 - mean|| for a doubly stochastic P. The spectral gap is
/// 1 - rho. For a symmetric P it is the second largest modulus of an eigenvalue; for others a
/// singular value.
double mixing_rate(const MixingMatrix& p);

/// The smallest real part of an eigenvalue of P, symmetric or not: -log of the spectral radius of
/// exp(-P), whose eigenvalues have the moduli exp(-Re lambda).
double lambda_min(const MixingMatrix& p);

/// The learning rate times curvature below which adapt-while-communicate, x <- P(t) x - c x on a
/// quadratic, is stable when the matrices take turns: the least c > 0 at which the product of the
/// P(t) - c I has spectral radius 1. For one symmetric P it is 1 + lambda_min(P), never above 2;
/// 0 if P has an eigenvalue of modulus 1 on the wrong side.
/// (Mixing before or after the step, cta and atc, is stable below 2 whatever the matrices.)
///
/// Found by looking at c = 1/32, 2/32, ... and bisection: an unstable range narrower than that,
/// with a stable one above it, would be missed.
double awc_limit(const std::vector<MixingMatrix>& matrices);

}  // namespace valley
