#include "valley/comm/passes_of_all.h"

#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "valley/comm/lerp_to_mean.h"
#include "valley/testing/normals.h"

namespace valley::passes_of_all_test {
namespace {

TEST(PassesOfAll, AreToTheBitThoseOfEach) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    for (const uint64_t workers : {2, 3, 4, 7}) {
      std::vector<at::Tensor> xs;
      for (uint64_t m = 0; m < workers; ++m) xs.push_back(normals({700}, m, dtype));
      at::Tensor sum = at::zeros_like(xs[0]).copy_(xs[0]);
      for (uint64_t m = 1; m < workers; ++m) sum.add_(xs[m]);
      for (const auto& [begin, end] : std::vector<std::pair<int64_t, int64_t>>{
               {0, 700}, {0, 0}, {0, 128}, {3, 130}, {1, 4}, {5, 645}}) {
        std::vector<SquaredNorms> norms(workers);
        squared_norms_of_all(xs, begin, end, norms.data());
        std::vector<at::Tensor> moved, expected;
        std::vector<double> weights;
        for (uint64_t m = 0; m < workers; ++m) {
          const SquaredNorms own = squared_norms(xs[m], sum, int(workers), begin, end);
          EXPECT_EQ(norms[m].distance, own.distance) << begin << ", " << end;
          EXPECT_EQ(norms[m].mean, own.mean) << begin << ", " << end;
          weights.push_back(0.3 * double(m) - 0.4);
          moved.push_back(xs[m].clone());
          expected.push_back(xs[m].clone());
          at::Tensor part = expected.back().narrow(0, begin, end - begin);
          lerp_to_mean(part, sum.narrow(0, begin, end - begin), int(workers), weights.back());
        }
        lerp_all_to_mean(moved, weights, begin, end);
        for (uint64_t m = 0; m < workers; ++m) EXPECT_TRUE(moved[m].equal(expected[m])) << m;
      }
    }
  }
}

}  // namespace
}  // namespace valley::passes_of_all_test
