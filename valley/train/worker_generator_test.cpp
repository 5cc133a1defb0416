#include "valley/train/worker_generator.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace valley::worker_generator_test {
namespace {

at::Tensor draws() {
  return at::dropout(at::ones({50}), 0.5, true) + at::rand({50}) + at::randn({50});
}

TEST(WorkerGenerator, ThreadsDrawTheirOwnReproducibleNumbers) {
  const auto run = [](uint64_t seed, at::Tensor* out) {
    WorkerGenerator generator(seed);
    *out = at::ones({0});
    for (int i = 0; i < 50; ++i) *out = draws();
  };
  std::vector<at::Tensor> first(4), second(4);
  for (auto* results : {&first, &second}) {
    std::vector<std::thread> threads;
    for (int m = 0; m < 4; ++m) threads.emplace_back(run, m, &(*results)[m]);
    for (auto& thread : threads) thread.join();
  }
  for (int m = 0; m < 4; ++m) EXPECT_TRUE(at::equal(first[m], second[m])) << m;
  EXPECT_FALSE(at::equal(first[0], first[1]));
}

TEST(WorkerGenerator, StateRestoresTheStream) {
  WorkerGenerator generator(3);
  draws();
  const at::Tensor state = generator.state();
  const at::Tensor expected = draws();
  EXPECT_FALSE(at::equal(draws(), expected));
  generator.set_state(state);
  EXPECT_TRUE(at::equal(draws(), expected));
}

TEST(WorkerGenerator, LeavesTheProcessGeneratorAlone) {
  at::manual_seed(1);
  const at::Tensor expected = draws();
  at::manual_seed(1);
  {
    WorkerGenerator generator(5);
    draws();
  }
  EXPECT_TRUE(at::equal(draws(), expected));
}

}  // namespace
}  // namespace valley::worker_generator_test
