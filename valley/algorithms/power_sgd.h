#pragma once

#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/mean_coder.h"

namespace valley {

/// PowerSGD: of every matrix V_m [rows, columns] of a vector the best part of rank R that one step
/// of power iteration from the last one finds, Q its basis:
///
///     P   = orthonormal columns of (1/M) sum_m V_m Q         [rows, R], one all-reduce of all P
///     Q_m = V_m^T P,   Q <- (1/M) sum_m Q_m                  [columns, R], another of all Q
///     said of V_m: P Q_m^T                 its projection to what P spans; of all: P Q^T
///
/// Vectors, and matrices of which two factors would be more values than they have, travel whole
/// with the first all-reduce: so a rank of min(rows, columns) or more gives the mean itself. Q
/// begins at random, the same on all workers, and from then on with that of the last time (warm
/// start): sent again and again, one matrix comes to its best approximation of rank R.
///
/// Only (1/M) sum_m V_m decides what is said, not how far the V_m are from it.
///
/// Cost: powersgd_values() of the shapes, in two all-reduces. Memory: twice those values. State: Q.
///
/// Reference: Vogels, Karimireddy and Jaggi, "PowerSGD", NeurIPS 2019, arXiv:1905.13727. There the
/// columns are made orthogonal by Gram and Schmidt; here by Householder's reflections, which take
/// any matrix, 0 too.
class PowerSgd : public MeanCoder {
 public:
  /// @throws UsageError without layers.
  PowerSgd(int64_t rank, const AlgorithmContext& context);

  Memory memory() override { return {{"basis", &basis_}}; }
  void start(Communicator& comm, const at::Tensor& v, int64_t draw) override;
  void finish(at::Tensor& out) override;

 private:
  // Where a matrix lies in the vector, and its factors in what is sent.
  struct Matrix {
    LayerRange layer;
    int64_t left = 0, right = 0;

    at::Tensor of(const at::Tensor& v) const;
    at::Tensor p(const at::Tensor& lefts, int64_t rank) const;
    at::Tensor q(const at::Tensor& rights, int64_t rank) const;
  };

  // What is sent: all P and what is whole; all Q.
  struct Factors {
    int64_t rank;
    std::vector<Matrix> matrices;  // that are sent as such
    std::vector<Matrix> whole;     // the rest
    at::Tensor left, right;

    void project(const at::Tensor& v) const;
  };

  void begin(const at::Tensor& like);

  uint64_t seed_;
  Factors f_;
  int64_t lefts_ = 0, rights_ = 0;  // values
  at::Tensor basis_;                // all Q of the last time
  int workers_ = 1;
  std::vector<std::unique_ptr<Work>> works_;
};

}  // namespace valley
