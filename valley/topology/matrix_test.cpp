#include "valley/topology/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "valley/core/error.h"
#include "valley/topology/test_matrices.h"

namespace valley::matrix_test {
namespace {

MixingMatrix matrix2(double a, double b, double c, double d) {
  MixingMatrix p(2);
  p(0, 0) = a;
  p(0, 1) = b;
  p(1, 0) = c;
  p(1, 1) = d;
  return p;
}

std::string refusal(const MixingMatrix& p) {
  try {
    check_doubly_stochastic(p, "--topology matrix:w.txt");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(MixingMatrix, SumsAndProducts) {
  const MixingMatrix a = matrix2(1, 2, 3, 4), b = matrix2(0, 1, 2, 0);
  EXPECT_EQ(a.row_sum(1), 7);
  EXPECT_EQ(a.column_sum(1), 6);
  EXPECT_EQ(a * b, matrix2(4, 1, 8, 3));
  EXPECT_EQ(b * a, matrix2(3, 4, 2, 4));
  EXPECT_EQ(add(a, -2, b), matrix2(1, 0, -1, 4));
  EXPECT_EQ(max_difference(a, b), 4);
  EXPECT_EQ(a.transposed(), matrix2(1, 3, 2, 4));
  EXPECT_FALSE(a.symmetric());
  EXPECT_TRUE(matrix2(1, 5, 5, 2).symmetric());
  EXPECT_EQ(MixingMatrix::identity(2), matrix2(1, 0, 0, 1));
  EXPECT_EQ(MixingMatrix::averaging(2), matrix2(0.5, 0.5, 0.5, 0.5));
}

TEST(MixingMatrix, NeedsAWorker) {
  EXPECT_THAT([] { MixingMatrix p(0); },
              testing::ThrowsMessage<UsageError>("a mixing matrix needs at least 1 worker, got 0"));
}

TEST(CheckDoublyStochastic, TakesRoundedSums) {
  EXPECT_EQ(refusal(matrix2(0.3, 0.7, 0.7, 0.3)), "");
  EXPECT_EQ(refusal(matrix2(0.3 + 5e-13, 0.7, 0.7, 0.3)), "");
  EXPECT_EQ(refusal(matrix2(0, 1, 1, 0)), "");
  EXPECT_EQ(refusal(MixingMatrix::averaging(7)), "");
}

TEST(CheckDoublyStochastic, NamesWhatIsWrong) {
  EXPECT_EQ(refusal(matrix2(1.25, -0.25, -0.25, 1.25)),
            "--topology matrix:w.txt: the weights must be >= 0, got -0.25 in row 0, column 1");
  EXPECT_EQ(refusal(matrix2(0.5, 0.5, 0.25, 0.5)),
            "--topology matrix:w.txt: every row must sum to 1, row 1 sums to 0.75");
  EXPECT_EQ(refusal(matrix2(0.5, 0.5, 0.75, 0.25)),
            "--topology matrix:w.txt: every column must sum to 1, column 0 sums to 1.25");
  EXPECT_EQ(refusal(matrix2(0.5, 0.5, std::numeric_limits<double>::quiet_NaN(), 0.5)),
            "--topology matrix:w.txt: the weights must be >= 0, got nan in row 1, column 0");
  EXPECT_EQ(refusal(matrix2(0.5, 0.5, std::numeric_limits<double>::infinity(), 0.5)),
            "--topology matrix:w.txt: every row must sum to 1, row 1 sums to inf");
  EXPECT_NE(refusal(matrix2(0.3 + 5e-12, 0.7, 0.7, 0.3)), "");
}

}  // namespace
}  // namespace valley::matrix_test
