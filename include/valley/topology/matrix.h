#pragma once

#include <string>
#include <vector>

namespace valley {

/// A square matrix of weights, [n, n], row-major, in double precision: entry (j, k) is the weight
/// with which worker j takes what worker k sends,
///
///     x_j <- sum_k P(j, k) x_k.
///
/// So row j is what worker j receives, column k where worker k's values go.
class MixingMatrix {
 public:
  /// All entries 0. @throws UsageError unless n >= 1.
  explicit MixingMatrix(int n);

  static MixingMatrix identity(int n);
  static MixingMatrix averaging(int n);  ///< J: every entry 1/n

  int size() const { return size_; }
  double operator()(int row, int column) const { return entries_[index(row, column)]; }
  double& operator()(int row, int column) { return entries_[index(row, column)]; }

  double row_sum(int row) const;
  double column_sum(int column) const;
  bool symmetric() const;  ///< exactly, to the bit
  MixingMatrix transposed() const;

  bool operator==(const MixingMatrix&) const = default;
  friend MixingMatrix operator*(const MixingMatrix& a, const MixingMatrix& b);

 private:
  size_t index(int row, int column) const {
    return static_cast<size_t>(row) * static_cast<size_t>(size_) + static_cast<size_t>(column);
  }

  int size_;
  std::vector<double> entries_;
};

/// The product; `later * earlier` mixes with `earlier` first. n^3 operations.
MixingMatrix operator*(const MixingMatrix& a, const MixingMatrix& b);

/// factor * a, entry by entry.
MixingMatrix scaled(const MixingMatrix& a, double factor);

/// a + factor * b, entry by entry.
MixingMatrix add(const MixingMatrix& a, double factor, const MixingMatrix& b);

/// sum_jk a(j, k)^2, the square of the Frobenius norm.
double square_sum(const MixingMatrix& a);

/// No entry below 0, every row and every column sums to 1 within 1e-12. `source` begins the
/// message.
/// @throws UsageError with one line that names the entry, row or column (workers count from 0).
void check_doubly_stochastic(const MixingMatrix& p, const std::string& source);

}  // namespace valley
