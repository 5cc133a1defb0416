#include "valley/topology/topology.h"

#include <gtest/gtest.h>

namespace valley {
namespace {

TEST(Topology, OnePeerExponentialAveragesExactlyFromAnyPhase) {
  for (const int n : {2, 4, 8, 16}) {
    const auto topology = make_topology("one-peer-exponential", {.workers = n});
    for (int64_t phase = 0; phase < topology->cycle(); ++phase) {
      MixingMatrix product = MixingMatrix::identity(n);
      for (int64_t t = 0; t < topology->cycle(); ++t)
        product = topology->matrix(phase + t) * product;
      EXPECT_LT(max_difference(product, MixingMatrix::averaging(n)), 1e-15);
    }
  }
}

}  // namespace
}  // namespace valley
