#include "valley/algorithms/kernels.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/fused_passes.h"
#include "valley/core/random.h"
#include "valley/testing/test_device.h"

namespace valley::kernels_test {
namespace {

template <typename T>
constexpr at::ScalarType dtype_of = std::is_same_v<T, float> ? at::kFloat : at::kDouble;

template <typename T>
at::Tensor normals(int64_t n, uint64_t seed) {
  Random random(seed);
  at::Tensor x = at::empty({n}, dtype_of<T>);
  for (int64_t i = 0; i < n; ++i) x.data_ptr<T>()[i] = static_cast<T>(random.normal());
  return x;
}

template <typename T>
class Kernels : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Kernels, Types);

TYPED_TEST(Kernels, LerpAgreesWithItsDefinitionAtEveryLength) {
  using T = TypeParam;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (int64_t n = 0; n <= 33; ++n) {
    for (double weight : {-40.0, -0.3, 0.0, 0.1, 0.49, 0.5, 0.9, 1.0}) {
      at::Tensor x = normals<T>(n, 3);
      const at::Tensor before = x.clone(), sum = normals<T>(n, 4);
      lerp_to_mean(x, sum, 5, weight);
      for (int64_t i = 0; i < n; ++i) {
        const double own = double(before.data_ptr<T>()[i]);
        const double mean = double(sum.data_ptr<T>()[i]) / 5;
        const double expected = own + weight * (mean - own);
        const double size = std::abs(own) + (1 + std::abs(weight)) * std::abs(mean - own);
        EXPECT_NEAR(double(x.data_ptr<T>()[i]), expected, 4 * epsilon * size) << weight;
      }
    }
  }
}

TYPED_TEST(Kernels, LerpIsExactAtBothEnds) {
  using T = TypeParam;
  for (int workers : {1, 2, 3, 5, 7}) {
    const at::Tensor x = normals<T>(1000, 5), sum = normals<T>(1000, 6);
    at::Tensor stays = x.clone(), goes = x.clone();
    lerp_to_mean(stays, sum, workers, 0);
    EXPECT_TRUE(stays.equal(x));
    lerp_to_mean(goes, sum, workers, 1);
    EXPECT_TRUE(goes.equal(sum.div(workers))) << workers;
  }
}

TYPED_TEST(Kernels, MeetInTheMiddle) {
  using T = TypeParam;
  for (int64_t n : {0, 1, 33}) {
    at::Tensor a = normals<T>(n, 9), b = normals<T>(n, 10);
    const at::Tensor middle = a.add(b).div(2);
    meet_in_the_middle(a, b);
    EXPECT_TRUE(a.equal(middle));
    EXPECT_TRUE(b.equal(middle));
  }
}

TYPED_TEST(Kernels, LerpKeepsTheDirectionFromBefore) {
  using T = TypeParam;
  const double epsilon = std::numeric_limits<T>::epsilon();
  for (int64_t n = 0; n <= 33; ++n) {
    at::Tensor x = normals<T>(n, 7), sum = normals<T>(n, 8);
    const at::Tensor x0 = x.clone(), sum0 = sum.clone();
    lerp_to_mean_keep_direction(x, sum, 3, 0.2, 0.7);
    for (int64_t i = 0; i < n; ++i) {
      const double own = double(x0.data_ptr<T>()[i]);
      const double away = own - double(sum0.data_ptr<T>()[i]) / 3;
      EXPECT_NEAR(double(x.data_ptr<T>()[i]), own - 0.2 * away, 8 * epsilon);
      EXPECT_NEAR(double(sum.data_ptr<T>()[i]), 0.7 * away, 8 * epsilon);
    }
  }
}

// a kernel over five vectors [n], by Valley's own loops and by LibTorch's operators.
template <typename T, typename Kernel>
void expect_two_ways_agree(int64_t n, const Kernel& kernel) {
  const double epsilon = std::numeric_limits<T>::epsilon();
  std::vector<at::Tensor> loops, operators;
  for (uint64_t i = 0; i < 5; ++i) {
    loops.push_back(normals<T>(n, 20 + i));
    operators.push_back(loops.back().to(test_device(), loops.back().scalar_type(), false, true));
  }
  kernel(loops);
  const OperatorsOnly only;
  kernel(operators);
  for (size_t i = 0; i < loops.size(); ++i) {
    EXPECT_TRUE(at::allclose(operators[i].cpu(), loops[i], 16 * epsilon, 16 * epsilon))
        << n << ", " << i;
  }
}

TYPED_TEST(Kernels, OperatorsComeToTheSame) {
  using T = TypeParam;
  using Vectors = std::vector<at::Tensor>;
  for (const int64_t n : {0, 1, 33, 2500}) {
    for (const double weight : {-0.3, 0.0, 0.3, 0.7, 1.0}) {
      expect_two_ways_agree<T>(n, [&](Vectors& v) { lerp_to_mean(v[0], v[1], 3, weight); });
      expect_two_ways_agree<T>(
          n, [&](Vectors& v) { lerp_to_mean_keep_direction(v[0], v[1], 3, weight, 0.7); });
    }
    expect_two_ways_agree<T>(n, [](Vectors& v) {
      mix_into(v[0], v[1], 0.5, {0.3, 0.2}, {v[2], v[3], v[4]});
    });
    expect_two_ways_agree<T>(  // into what is read
        n, [](Vectors& v) {
          mix_into(v[1], v[1], 0.5, {0.3, 0.2}, {v[2], v[3]});
        });
    expect_two_ways_agree<T>(n, [](Vectors& v) {
      mix_into(v[3], v[1], 0.5, {0.3, 0.2}, {v[2], v[3]});
    });
    expect_two_ways_agree<T>(n, [](Vectors& v) { meet_in_the_middle(v[0], v[1]); });
  }
}

// Whose factor 1/5 is rounded would come out smaller or larger after many means.
TYPED_TEST(Kernels, OperatorsDivideByTheWorkers) {
  using T = TypeParam;
  const OperatorsOnly only;
  at::Tensor x = normals<T>(1000, 5).to(test_device());
  const at::Tensor sum = normals<T>(1000, 6);
  lerp_to_mean(x, sum.to(test_device()), 5, 1);
  EXPECT_TRUE(x.cpu().equal(sum.div(5)));
}

TEST(KernelsErrors, OtherDtypesAreNamed) {
  at::Tensor x = at::zeros({4}, at::kHalf), sum = at::zeros({4}, at::kHalf);
  try {
    lerp_to_mean(x, sum, 2, 0.5);
    FAIL() << "no error";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "parameters must be float32 or float64, got c10::Half");
  }
}

}  // namespace
}  // namespace valley::kernels_test
