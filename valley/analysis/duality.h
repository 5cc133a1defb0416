#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "valley/analysis/lanczos.h"

namespace valley {

struct SharpDirections;

/// Activity-weight duality. A dense layer y = W a + b [out, in] gives a test example, of activity
/// a' = a + da, what it would give a training example, of activity a, with the weights W + dW,
///
///     dW = (W da) a^T / ||a||^2            the smallest change that does
///
/// So what a test example k loses against its training example, dl_k = l(x'_k) - l(x_k), is what
/// the training example loses by dW_k, and with g_k = dl_k dW_k / ||dW_k||^2 that is g_k . dW_k.
/// Along orthonormal directions u_n of the layer's weights, g_kn = g_k . u_n and w_kn = dW_k . u_n
/// have over the pairs means mu, deviations sigma and a correlation c_n, and
///
///     gap = mean_k dl_k = sum_n (c_n sigma_w,n sigma_g,n + mu_w,n mu_g,n)
///
/// exactly, if the u_n span all weights. With the eigenvectors of the Hessian of the training loss
/// it says which of its directions the gap comes from: sigma_g,n goes with how sharp the loss is
/// there, sigma_w,n with how large the weights are.
///
/// Reference: Feng, Zhang and Tu, "Activity-weight duality in feed-forward neural networks reveals
/// two co-determinants for generalization", Nature Machine Intelligence 5, 2023, arXiv:2203.10736.
/// The sums are those of the authors' code; they leave the products of the means out, as small.
struct DualPairs {
  at::Tensor outputs;     ///< W da [n, out]
  at::Tensor activities;  ///< a [n, in], none of them 0
  at::Tensor losses;      ///< dl [n]
};

struct DualDirection {
  double eigenvalue = 0, residual = 0;  ///< of the Hessian; an eigenvalue is that close
  double correlation = 0;               ///< c_n; 0 where one of the two does not vary
  double sigma_w = 0, sigma_g = 0, mean_w = 0, mean_g = 0;

  /// What of the gap comes from it.
  double contribution() const { return correlation * sigma_w * sigma_g + mean_w * mean_g; }
};

struct DualDecomposition {
  double gap = 0;                              ///< mean_k dl_k
  std::vector<DualDirection> directions = {};  ///< as they were given
  double rest = 0;                             ///< of the gap, from all other directions
};

/// Cost: n k out in multiplications for k directions, whose vectors are [k, out in]. In double.
DualDecomposition decompose(const DualPairs& pairs, const SharpDirections& sharp);

}  // namespace valley
