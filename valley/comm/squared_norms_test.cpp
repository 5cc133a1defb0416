#include "valley/comm/squared_norms.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <type_traits>

#include "valley/testing/normals.h"

namespace valley::squared_norms_test {
namespace {

template <typename T>
at::Tensor normals(int64_t n, uint64_t seed) {
  return valley::normals({n}, seed, std::is_same_v<T, float> ? at::kFloat : at::kDouble);
}

template <typename T>
class SquaredNormsOf : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(SquaredNormsOf, Types);

TYPED_TEST(SquaredNormsOf, NormsAgreeWithTheirDefinitionAtEveryLength) {
  using T = TypeParam;
  constexpr double kTolerance = std::is_same_v<T, float> ? 1e-6 : 1e-13;
  for (int64_t n : {0, 1, 2, 7, 127, 128, 129, 255, 256, 500}) {
    for (int workers : {1, 2, 3, 4, 7}) {
      const at::Tensor x = normals<T>(n, 1), sum = normals<T>(n, 2);
      SquaredNorms expected;
      for (int64_t i = 0; i < n; ++i) {
        const T own = x.data_ptr<T>()[i], mean = sum.data_ptr<T>()[i] / T(workers);
        const double away = static_cast<double>(own - mean);
        expected += {away * away, double(mean) * double(mean)};
      }
      for (const SquaredNorms& got :
           {squared_norms(x, sum, workers, 0, n), squared_norms_on_device(x, sum, workers)}) {
        EXPECT_NEAR(got.distance, expected.distance, kTolerance * expected.distance) << n;
        EXPECT_NEAR(got.mean, expected.mean, kTolerance * expected.mean) << n;
      }
    }
  }
}

TYPED_TEST(SquaredNormsOf, NormsOfPartsAddUp) {
  using T = TypeParam;
  constexpr double kTolerance = std::is_same_v<T, float> ? 1e-6 : 1e-13;
  const at::Tensor x = normals<T>(333, 1), sum = normals<T>(333, 2);
  const SquaredNorms whole = squared_norms(x, sum, 3, 0, 333);
  for (int64_t cut = 0; cut <= 333; ++cut) {
    SquaredNorms parts = squared_norms(x, sum, 3, 0, cut);
    parts += squared_norms(x, sum, 3, cut, 333);
    EXPECT_NEAR(parts.distance, whole.distance, kTolerance * whole.distance) << cut;
    EXPECT_NEAR(parts.mean, whole.mean, kTolerance * whole.mean) << cut;
  }
}

// A float accumulator stops growing at 2^24 times its addend; even eight of them are off by far
// more than this.
TEST(SquaredNormsOfLargeVectors, LoseLittleInFloat32) {
  const int64_t n = (int64_t{1} << 24) + 5;
  const at::Tensor x = at::full({n}, 0.1f, at::kFloat), sum = at::full({n}, 0.6f, at::kFloat);
  const SquaredNorms norms = squared_norms(x, sum, 2, 0, n);
  const double mean = double(0.6f / 2), away = double(0.1f - 0.6f / 2);
  EXPECT_NEAR(norms.mean, double(n) * mean * mean, 1e-6 * double(n) * mean * mean);
  EXPECT_NEAR(norms.distance, double(n) * away * away, 1e-6 * double(n) * away * away);
}

}  // namespace
}  // namespace valley::squared_norms_test
