// A mean of the workers of which less is said.

#include "valley/algorithms/wire_mean.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::wire_mean_test {
namespace {

const std::vector<const char*> kWires = {"bf16", "fp16", "int8"};

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

RoundsAlgorithm every_step(const std::string& wire, const PullPushOptions& options) {
  const AlgorithmContext context = {.total_steps = 1000};
  return {{.base = 1}, context, make_mean(wire, context), std::make_unique<PullPushRule>(options)};
}

at::Tensor entry(const Algorithm& algorithm, const std::string& name) {
  return optional_entry(algorithm.state(), name);
}

TEST(AWire, ByHand) {
  run_ranks(2, [](Communicator& comm) {
    RoundsAlgorithm algorithm = every_step("bf16", {.pull = 0.5, .push = 0});
    at::Tensor x = at::zeros({3}, at::kDouble);
    algorithm.join(comm, x);
    x.copy_(comm.rank() == 0 ? vec({4, 1, 0}) : vec({2, 0, 1 + 1. / 1024}));
    algorithm.after_step({.step = 0}, x);
    // 1 + 1/1024 is 1 in bf16, whose mean with 0 is 0.5.
    EXPECT_TRUE(entry(algorithm, "wire_mean").equal(vec({3, 0.5, 0.5})));
    EXPECT_TRUE(
        x.equal(comm.rank() == 0 ? vec({3.5, 0.75, 0.25}) : vec({2.5, 0.25, 0.75 + 1. / 2048})))
        << x;
    EXPECT_EQ(comm.total_bytes(), wire_bytes("bf16", 3, 8, 2));
    EXPECT_EQ(wire_bytes("bf16", 3, 8, 2), 2 * 2 * 2);  // a slice to its owner, a slice to all
  });
}

// A block of 127 and 0.4: the unit is 1, 0.4 is dropped, and stays with the worker until it counts.
TEST(AWire, WhatInt8DropsIsSaidLater) {
  run_ranks(2, [](Communicator& comm) {
    RoundsAlgorithm algorithm = every_step("int8", {.pull = 1, .push = 0});
    at::Tensor x = at::zeros({4}, at::kDouble);
    algorithm.join(comm, x);
    if (comm.rank() == 0) x.copy_(vec({127, 0.4, 0, 0}));
    algorithm.after_step({.step = 0}, x);
    EXPECT_NEAR((x - vec({63.5, comm.rank() == 0 ? 0.4 : 0, 0, 0})).abs().max().item<double>(), 0,
                1e-5);
    algorithm.after_step({.step = 1}, x);
    EXPECT_NEAR((x - vec({63.5, 0.2, 0, 0})).abs().max().item<double>(), 0, 1e-2);
    for (int64_t step = 2; step < 9; ++step) algorithm.after_step({.step = step}, x);
    EXPECT_NEAR((x - vec({63.5, 0.2, 0, 0})).abs().max().item<double>(), 0, 1e-6);
  });
}

TEST(AWire, AllTakeTheSameForTheirMean) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step(wire, {.pull = 0.3, .push = 0.5});
      at::Tensor x = normals({40}, 1, at::kFloat);
      algorithm.join(comm, x);
      for (int64_t step = 0; step < 6; ++step) {
        x.add_(normals({40}, uint64_t(10 * step + comm.rank()), at::kFloat), 0.1);
        algorithm.after_step({.step = step, .total_steps = 6}, x);
        const at::Tensor all = comm.all_gather(entry(algorithm, "wire_mean"));
        EXPECT_TRUE(all.eq(all[0]).all().item<bool>()) << wire;
      }
      // Close to what it is: of halves by their rounding.
      at::Tensor mean = x.clone();
      comm.all_reduce_mean(mean);
      if (std::string(wire).ends_with("16")) {
        EXPECT_LT(largest(mean - entry(algorithm, "wire_mean")), 0.01) << wire;
      }
    });
  }
}

// Whatever is dropped: without steps all come together at the mean.
TEST(AWire, ThePullBringsAllToTheMean) {
  for (const char* wire : kWires) {
    for (const double pull : {0.1, 0.5, 1.0}) {
      run_ranks(3, [&](Communicator& comm) {
        RoundsAlgorithm algorithm = every_step(wire, {.pull = pull, .push = 0});
        at::Tensor x = at::zeros({20}, at::kDouble);
        algorithm.join(comm, x);
        x.copy_(normals({20}, uint64_t(comm.rank())));
        const at::Tensor mean = x.clone();
        comm.all_reduce_mean(mean);
        for (int64_t step = 0; step < 400; ++step) {
          algorithm.after_step({.step = step, .total_steps = 400}, x);
        }
        const at::Tensor X = comm.all_gather(x);
        EXPECT_LT(largest(X - X[0]), 1e-5) << wire << ", pull " << pull;
        // Halves lose a rounding error for good.
        const double lost = std::string(wire).ends_with("16") ? 0.02 : 1e-5;
        EXPECT_LT(largest(x - mean), lost) << wire << ", pull " << pull;
      });
    }
  }
}

TEST(AWire, TheWidthIsStillLambdaOverAlpha) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step(wire, {.pull = 0.1, .push = 0.5});
      at::Tensor x = at::zeros({20}, at::kDouble);
      algorithm.join(comm, x);
      x.copy_(normals({20}, uint64_t(comm.rank())));
      for (int64_t step = 0; step < 400; ++step) {
        algorithm.after_step({.step = step, .total_steps = 400}, x);
      }
      const at::Tensor X = comm.all_gather(x);
      EXPECT_NEAR((X - X.mean(0)).square().sum(1).sqrt().mean().item<double>(), 5, 0.05) << wire;
    });
  }
}

// More values than a run, the last run and the last slice not whole; more workers than values.
TEST(AWire, RunsAndSlicesAreWhole) {
  for (const int64_t d : {int64_t{3}, int64_t{100000}}) {
    run_ranks(4, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step("int8", {.pull = 1, .push = 0});
      const at::Tensor start = at::zeros({d}, at::kFloat);
      at::Tensor x = start.clone();
      algorithm.join(comm, x);
      x.copy_(at::arange(d, start.options()).remainder(128).mul(comm.rank() - 1));
      algorithm.after_step({.step = 0}, x);
      const at::Tensor mean = at::arange(d, start.options()).remainder(128).mul(0.5);
      EXPECT_LT(largest(entry(algorithm, "wire_mean") - mean), 1.5);
      EXPECT_EQ(comm.total_bytes(), wire_bytes("int8", d, 4, 4));
    });
  }
}

TEST(AWire, AWorkerAloneSaysNothingAndLosesNothing) {
  const auto solo = make_solo();
  RoundsAlgorithm algorithm = every_step("int8", {.pull = 0.5, .push = 0});
  at::Tensor x = normals({7}, 1, at::kFloat);
  algorithm.join(*solo, x);
  const at::Tensor before = x.clone();
  algorithm.after_step({}, x);
  EXPECT_TRUE(x.equal(before));
}

TEST(AWire, GoesWithTheMeanOfOneVector) {
  const auto error = [](const MethodValues& values) {
    return error_of<UsageError>(
        [&] { check_algorithm("dppf", find_algorithm("dppf").with(values), 2, 1); });
  };
  EXPECT_EQ(error({{"wire", "bf16"}, {"compress-rounds", "int8"}}),
            "wire and compress-rounds both say what a round sends: one of them, please");
  EXPECT_EQ(error({{"wire", "bf16"}, {"push-variant", "exact"}}),
            "push-variant exact sends a second vector, which wire does not compress");
  EXPECT_EQ(
      error({{"wire", "top-9"}}),
      "unknown wire 'top-9'; did you mean 'top-k'? known: none, bf16, fp16, int8, sign, top-k, "
      "random-k, powersgd-RANK");
  EXPECT_EQ(error({{"wire", "top-k"}}), "wire top-k needs the share that is sent: top-k:0.1");
  for (const char* wire : {"powersgd", "powersgd-", "powersgd-0", "powersgd-two", "powersgd:4"}) {
    EXPECT_EQ(
        error({{"wire", wire}}),
        fmt::format("wire {} must be powersgd-RANK, a rank from 1 on: powersgd-4, say", wire));
  }
  EXPECT_EQ(error({{"wire", "powersgd-4"}, {"fragments", int64_t{2}}}),
            "wire powersgd-4 takes matrices as a whole, which fragments cuts");
  for (const char* method : {"lsgd", "mgrawa", "lgrawa"}) {
    EXPECT_EQ(error_of<UsageError>([&] {
                check_algorithm(method, find_algorithm(method).with({{"wire", "int8"}}), 2, 1);
              }),
              fmt::format("wire int8 is for means of all workers alike: {} has none, bf16 and fp16",
                          method));
  }
}

}  // namespace
}  // namespace valley::wire_mean_test
