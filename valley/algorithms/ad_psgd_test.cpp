#include "valley/algorithms/ad_psgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "valley/algorithms/registry.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"

namespace valley::ad_psgd_test {
namespace {

constexpr int64_t kNever = 1 << 20;  // steps of an epoch: nobody waits for its end

std::unique_ptr<Algorithm> make(Communicator& comm, const at::Tensor& x,
                                const std::string& topology, int64_t steps_per_epoch = kNever) {
  auto algorithm =
      make_ad_psgd({.topology = topology}, {.steps_per_epoch = steps_per_epoch, .seed = 3});
  algorithm->join(comm, x);
  return algorithm;
}

// The mean moves by 1/M of every step, whoever meets whom when.
TEST(AdPsgd, NoStepIsLost) {
  const int workers = 6;
  const int64_t steps = 300, d = 64;
  for (const char* topology : {"ring", "star", "grid"}) {
    at::Tensor sum = at::zeros({d}, at::kDouble);  // of all steps, by worker 0
    run_threads(workers, [&](Communicator& comm) {
      at::Tensor x = at::zeros({d}, at::kDouble), moved = at::zeros({d}, at::kDouble);
      const auto algorithm = make(comm, x, topology);
      Random random(derive_seed(7, comm.rank(), "pauses"));
      for (int64_t k = 0; k < steps; ++k) {
        const StepInfo info{.step = k, .total_steps = steps};
        algorithm->before_gradient(info, x);
        if (random.below(10) == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
        const at::Tensor step = normals({d}, static_cast<uint64_t>(1000 * k + comm.rank()));
        x.add_(step);
        moved.add_(step);
        algorithm->after_step(info, x);
      }
      algorithm->quiesce();
      const at::Tensor view = algorithm->view(x);
      comm.all_reduce_mean(moved);
      comm.all_reduce_mean(view);
      EXPECT_LT((view - moved).abs().max().item<double>(), 1e-11) << topology;
      EXPECT_EQ(algorithm->rounds(), steps);
      EXPECT_TRUE(algorithm->final_average_needed());
    });
  }
}

// Without steps of their own, meetings alone bring all to the mean of their starts.
TEST(AdPsgd, MeetingsFindTheMean) {
  run_threads(4, [&](Communicator& comm) {
    at::Tensor x = at::full({3}, double(comm.rank()), at::kDouble);
    const auto algorithm = make(comm, x, "ring", 10);
    for (int64_t k = 0; k < 200; ++k) {
      algorithm->before_gradient({.step = k}, x);
      algorithm->after_step({.step = k}, x);
    }
    algorithm->quiesce();
    EXPECT_LT((algorithm->view(x) - 1.5).abs().max().item<double>(), 1e-9);
  });
}

// Worker 0 ends its first step when the others have ended all of theirs. A method that waits for
// it would never come to an end, and the group's timeout would tell.
TEST(AdPsgd, NobodyWaitsForASlowWorker) {
  for (const char* topology : {"ring", "star"}) {
    std::atomic<int> ready = 0;
    run_threads(
        4,
        [&](Communicator& comm) {
          at::Tensor x = at::zeros({8}, at::kDouble);
          const auto algorithm = make(comm, x, topology);
          const int64_t steps = comm.rank() == 0 ? 1 : 50;
          for (int64_t k = 0; k < steps; ++k) {
            algorithm->before_gradient({.step = k}, x);
            const double end = now_seconds() + 30;
            while (comm.rank() == 0 && ready < 3 && now_seconds() < end) {
              std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            algorithm->after_step({.step = k}, x);
          }
          EXPECT_TRUE(comm.rank() != 0 || ready == 3) << topology;
          ++ready;
          algorithm->quiesce();
        },
        60);
  }
}

TEST(AdPsgd, BytesAreCountedByWhoAsks) {
  run_threads(4, [&](Communicator& comm) {
    at::Tensor x = at::zeros({5}, at::kFloat);
    const auto algorithm = make(comm, x, "star");
    for (int64_t k = 0; k < 7; ++k) {
      algorithm->before_gradient({.step = k}, x);
      algorithm->after_step({.step = k}, x);
    }
    algorithm->quiesce();
    EXPECT_EQ(comm.total_bytes(), comm.rank() == 0 ? 0 : 7 * 2 * 5 * 4);
    EXPECT_EQ(comm.stats(Operation::kShare).calls, comm.rank() == 0 ? 1 : 8);
  });
}

TEST(AdPsgd, NeedsAGraphOfTwoSides) {
  const auto error = [](const std::string& topology, int workers) {
    return error_of<UsageError>(
        [&] { check_algorithm("ad-psgd", AdPsgdOptions{.topology = topology}, workers, 0); });
  };
  EXPECT_EQ(error("ring", 3),
            "topology ring with 3 workers has a cycle of odd length; ad-psgd needs a graph of "
            "two sides: ring with an even number of workers, grid, hypercube or star");
  EXPECT_EQ(error("matching", 4),
            "topology matching changes over time or is directed; ad-psgd needs one undirected "
            "graph");
  EXPECT_EQ(error("random-directed", 4),
            "topology random-directed keeps no mean by itself, which ad-psgd needs: use sgp or "
            "dsgtm-tv");
  for (const char* topology : {"ring", "grid", "hypercube", "star"}) {
    EXPECT_EQ(error(topology, 4), "no error") << topology;
  }
  EXPECT_EQ(error("ring", 1), "no error");
}

// Workers of one stand at one place in every step, at which their mean gradient moves it; the mean
// of all moves by the mean of all steps, as ever.
TEST(AdPsgd, ASuperLearnerIsOneWorkerWithTheMeanGradient) {
  const int64_t steps = 60, d = 16;
  run_threads(6, [&](Communicator& comm) {
    const auto algorithm = make_ad_psgd({.topology = "star", .super_learner = 2},
                                        {.steps_per_epoch = kNever, .seed = 3});
    at::Tensor x = at::zeros({d}, at::kDouble), moved = at::zeros({d}, at::kDouble);
    algorithm->join(comm, x);
    const auto group = comm.split(comm.rank() / 2);
    for (int64_t k = 0; k < steps; ++k) {
      const StepInfo info{.step = k, .total_steps = steps};
      algorithm->before_gradient(info, x);
      const at::Tensor both = group->all_gather(x);
      EXPECT_TRUE(both[0].equal(both[1]));
      at::Tensor g = normals({d}, static_cast<uint64_t>(1000 * k + comm.rank()));
      const at::Tensor gradients = group->all_gather(g);
      algorithm->on_gradient(info, x, g);
      EXPECT_LT((g - gradients.mean(0)).abs().max().item<double>(), 1e-15);
      x.sub_(g, 0.1);
      moved.sub_(g, 0.1);
      algorithm->after_step(info, x);
    }
    algorithm->quiesce();
    const at::Tensor view = algorithm->view(x), both = group->all_gather(view);
    EXPECT_TRUE(both[0].equal(both[1]));
    comm.all_reduce_mean(moved);
    comm.all_reduce_mean(view);
    EXPECT_LT((view - moved).abs().max().item<double>(), 1e-12);
  });
}

// One of all workers is synchronous SGD.
TEST(AdPsgd, ASuperLearnerOfAllIsSynchronous) {
  run_threads(3, [&](Communicator& comm) {
    const auto algorithm =
        make_ad_psgd({.topology = "star", .super_learner = 3}, {.steps_per_epoch = 5, .seed = 3});
    at::Tensor x = at::full({4}, 1.0, at::kDouble), twin = x.clone();
    algorithm->join(comm, x);
    for (int64_t k = 0; k < 20; ++k) {
      algorithm->before_gradient({.step = k}, x);
      at::Tensor g = x * (1 + comm.rank());
      algorithm->on_gradient({.step = k}, x, g);
      x.sub_(g, 0.1);
      algorithm->after_step({.step = k}, x);
      twin.sub_(twin * 2, 0.1);
    }
    algorithm->quiesce();
    EXPECT_LT((algorithm->view(x) - twin).abs().max().item<double>(), 1e-14);
    EXPECT_EQ(error_of<UsageError>(
                  [&] { check_algorithm("ad-psgd", AdPsgdOptions{.super_learner = 2}, 3, 0); }),
              "super-learner 2 does not divide the 3 workers");
  });
}

}  // namespace
}  // namespace valley::ad_psgd_test
