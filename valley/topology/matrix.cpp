#include "valley/topology/matrix.h"

#include <algorithm>
#include <cmath>

#include "valley/core/error.h"

namespace valley {
namespace {

// Sums of n rounded weights are off by at most n times 1e-16.
constexpr double kTolerance = 1e-12;

}  // namespace

MixingMatrix::MixingMatrix(int n) : size_(n) {
  require(n >= 1, "a mixing matrix needs at least 1 worker, got {}", n);
  entries_.assign(static_cast<size_t>(n) * static_cast<size_t>(n), 0.0);
}

MixingMatrix MixingMatrix::identity(int n) {
  MixingMatrix result(n);
  for (int j = 0; j < n; ++j) result(j, j) = 1;
  return result;
}

MixingMatrix MixingMatrix::averaging(int n) {
  MixingMatrix result(n);
  std::fill(result.entries_.begin(), result.entries_.end(), 1.0 / n);
  return result;
}

double MixingMatrix::row_sum(int row) const {
  double sum = 0;
  for (int k = 0; k < size_; ++k) sum += (*this)(row, k);
  return sum;
}

double MixingMatrix::column_sum(int column) const {
  double sum = 0;
  for (int j = 0; j < size_; ++j) sum += (*this)(j, column);
  return sum;
}

bool MixingMatrix::symmetric() const { return *this == transposed(); }

MixingMatrix MixingMatrix::transposed() const {
  MixingMatrix result(size_);
  for (int j = 0; j < size_; ++j) {
    for (int k = 0; k < size_; ++k) result(k, j) = (*this)(j, k);
  }
  return result;
}

MixingMatrix operator*(const MixingMatrix& a, const MixingMatrix& b) {
  const int n = a.size();
  MixingMatrix result(n);
  for (int j = 0; j < n; ++j) {
    double* const to = &result(j, 0);
    for (int i = 0; i < n; ++i) {
      const double weight = a(j, i);
      if (weight == 0) continue;  // most mixing matrices are sparse
      const double* const from = &b.entries_[b.index(i, 0)];
      for (int k = 0; k < n; ++k) to[k] += weight * from[k];
    }
  }
  return result;
}

MixingMatrix scaled(const MixingMatrix& a, double factor) {
  return add(MixingMatrix(a.size()), factor, a);
}

MixingMatrix add(const MixingMatrix& a, double factor, const MixingMatrix& b) {
  MixingMatrix result = a;
  for (int j = 0; j < a.size(); ++j) {
    for (int k = 0; k < a.size(); ++k) result(j, k) += factor * b(j, k);
  }
  return result;
}

double square_sum(const MixingMatrix& a) {
  double sum = 0;
  for (int j = 0; j < a.size(); ++j) {
    for (int k = 0; k < a.size(); ++k) sum += a(j, k) * a(j, k);
  }
  return sum;
}

void check_doubly_stochastic(const MixingMatrix& p, const std::string& source) {
  for (int j = 0; j < p.size(); ++j) {
    for (int k = 0; k < p.size(); ++k) {
      require(p(j, k) >= 0, "{}: the weights must be >= 0, got {} in row {}, column {}", source,
              p(j, k), j, k);
    }
  }
  // Written so that a sum that is not a number fails.
  const auto is_one = [](double sum) { return std::abs(sum - 1) <= kTolerance; };
  for (int j = 0; j < p.size(); ++j) {
    require(is_one(p.row_sum(j)), "{}: every row must sum to 1, row {} sums to {}", source, j,
            p.row_sum(j));
  }
  for (int k = 0; k < p.size(); ++k) {
    require(is_one(p.column_sum(k)), "{}: every column must sum to 1, column {} sums to {}", source,
            k, p.column_sum(k));
  }
}

}  // namespace valley
