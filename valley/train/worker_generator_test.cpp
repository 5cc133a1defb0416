#include "valley/train/worker_generator.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/native_dropout.h>
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

// Of another kind of device: nothing to go on from, but the same numbers again at the same step.
TEST(WorkerGenerator, GoesOnFromWhatMeansNothingHere) {
  const auto after = [](const at::Tensor& state, int64_t step) {
    WorkerGenerator generator(3);
    generator.go_on(state, step);
    return draws();
  };
  const at::Tensor other = at::ones({16}, at::kByte);
  EXPECT_TRUE(at::equal(after(other, 7), after(other, 7)));
  EXPECT_FALSE(at::equal(after(other, 7), after(other, 8)));
  at::Tensor state;
  {
    WorkerGenerator generator(4);
    state = generator.state();
  }
  EXPECT_TRUE(at::equal(after(state, 7), after(state, 8)));
}

// The operator that dropout ends in on a device.
TEST(WorkerGenerator, DropoutThatTakesNoGeneratorDrawsFromIt) {
  const auto dropped = [](const at::Tensor& x) {
    WorkerGenerator generator(6);
    return std::get<0>(at::native_dropout(x, 0.25, true));
  };
  const at::Tensor x = at::ones({1000}).set_requires_grad(true), y = dropped(x);
  EXPECT_TRUE(at::equal(y, dropped(x)));
  const at::Tensor kept = y.ne(0);
  EXPECT_NEAR(kept.to(at::kDouble).mean().item<double>(), 0.75, 0.05);
  EXPECT_TRUE(at::equal(y.masked_select(kept), at::ones({kept.sum().item<int64_t>()}) / 0.75));
  y.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), y));
  WorkerGenerator generator(6);
  EXPECT_TRUE(at::equal(std::get<0>(at::native_dropout(x, 0.25, false)), x));
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
