#include "valley/algorithms/local_sgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/ssgd.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/optim/local_optimizer.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::local_sgd_test {
namespace {

// A worker's least squares, ||A x - b||^2 / 2n, other data in every step; trained for `steps`.
at::Tensor train(Communicator& comm, Algorithm& algorithm, const OptimizerOptions& options,
                 int64_t steps) {
  const FlatParameters flat({{"weight", normals({3, 3}, 1).set_requires_grad(true)},
                             {"bias", normals({2}, 2).set_requires_grad(true)}});
  const auto optimizer = make_optimizer(options, flat);
  at::Tensor x = flat.values(), g = flat.gradients();
  algorithm.join(comm, x);
  const int64_t n = 8, d = x.numel();
  for (int64_t step = 0; step < steps; ++step) {
    const auto seed = static_cast<uint64_t>(100 * step + comm.rank());
    const at::Tensor A = normals({n, d}, 2 * seed), b = normals({n}, 2 * seed + 1);
    const StepInfo info{.step = step, .total_steps = steps};
    algorithm.before_gradient(info, x);
    g.copy_(A.t().matmul(A.matmul(x) - b) / n);
    algorithm.on_gradient(info, x, g);
    optimizer->step(0.05);
    algorithm.after_step(info, x);
  }
  return x.clone();
}

class LocalSgd : public testing::TestWithParam<std::string> {
 protected:
  // Over sockets a round costs milliseconds: one world only.
  std::vector<int> worlds() const {
    return GetParam() == "thread" ? std::vector<int>{1, 2, 3, 5} : std::vector<int>{3};
  }

  void run(int workers, const std::function<void(Communicator&)>& fn) const {
    run_ranks(workers, fn, GetParam());
  }
};

// Momentum and weight decay are linear in the gradients, so averaging after the step is averaging
// the gradients.
TEST_P(LocalSgd, WithPeriodOneItIsSynchronousSgd) {
  for (const OptimizerOptions& optimizer :
       {OptimizerOptions{.momentum = 0}, OptimizerOptions{.momentum = 0.9},
        OptimizerOptions{.momentum = 0.9, .nesterov = true, .weight_decay = 0.01}}) {
    for (int workers : worlds()) {
      run(workers, [&](Communicator& comm) {
        const auto ssgd = make_ssgd({.bucket_bytes = 50}, {.total_steps = 40});
        const auto local = make_local_sgd({.period = {.base = 1}}, {.total_steps = 40});
        const at::Tensor a = train(comm, *ssgd, optimizer, 40);
        const at::Tensor b = train(comm, *local, optimizer, 40);
        EXPECT_LT((a - b).abs().max().item<double>(), 1e-10);
        EXPECT_EQ(local->rounds(), 40);
        EXPECT_FALSE(local->final_average_needed());
      });
    }
  }
}

TEST_P(LocalSgd, ARoundIsTheAverageAndBetweenRoundsNobodyMoves) {
  for (int workers : worlds()) {
    run(workers, [](Communicator& comm) {
      const auto local = make_local_sgd({.period = {.base = 3}}, {.total_steps = 7});
      const double mean = (comm.size() - 1) / 2.0;
      at::Tensor x = at::full({5}, comm.rank(), at::kDouble);
      local->join(comm, x);
      for (int64_t step = 0; step < 7; ++step) {
        const at::Tensor before = x.clone();
        local->before_gradient({.step = step}, x);
        at::Tensor g = normals({5}, static_cast<uint64_t>(comm.rank()));
        const at::Tensor own = g.clone();
        local->on_gradient({.step = step}, x, g);
        EXPECT_TRUE(g.equal(own));
        local->after_step({.step = step}, x);
        if (step % 3 != 2) {
          EXPECT_FALSE(local->last_round());
          EXPECT_TRUE(x.equal(before));
          continue;
        }
        ASSERT_TRUE(local->last_round());
        EXPECT_EQ(local->last_round()->figure("pull"), 1);
        EXPECT_EQ(local->last_round()->figure("push"), 0);
        EXPECT_EQ(local->last_round()->figure("predicted_width"), 0);
        EXPECT_TRUE(x.equal(at::full({5}, mean + double(step / 3), at::kDouble)));
        x += 1;  // the next local steps, the same on all workers
      }
      EXPECT_EQ(local->rounds(), 2);
      EXPECT_TRUE(local->final_average_needed());
    });
  }
}

TEST_P(LocalSgd, TheDistanceOfTheRoundIsReported) {
  run(3, [](Communicator& comm) {
    const auto local = make_local_sgd({.period = {.base = 1}}, {});
    at::Tensor x = at::full({4}, comm.rank(), at::kDouble);  // mean 1, distances 2 0 2
    local->join(comm, x);
    local->after_step({}, x);
    EXPECT_NEAR(local->last_round()->distance, comm.rank() == 1 ? 0 : 2, 1e-15);
  });
}

// The steps, counted from 1, that end with a round.
std::vector<int64_t> round_steps(Communicator& comm, Algorithm& algorithm, int64_t total) {
  at::Tensor x = at::zeros({2}, at::kDouble);
  algorithm.join(comm, x);
  std::vector<int64_t> steps;
  for (int64_t step = 0; step < total; ++step) {
    algorithm.after_step({.step = step, .total_steps = total}, x);
    if (algorithm.last_round()) steps.push_back(step + 1);
    EXPECT_EQ(algorithm.rounds(), static_cast<int64_t>(steps.size()));
  }
  return steps;
}

TEST_P(LocalSgd, ItMeetsWhenThePeriodSays) {
  struct Case {
    const char* period;
    int64_t total;
    std::vector<int64_t> rounds;
    bool final_average;
  };
  const auto rate = [](int64_t step) { return step < 5 ? 0.1 : 0.05; };  // qsr: H = 4, then 16
  for (const Case& c : {Case{"1", 3, {1, 2, 3}, false}, Case{"4", 11, {4, 8}, true},
                        Case{"4", 12, {4, 8, 12}, false}, Case{"20", 11, {}, true},
                        Case{"post-local:2:4", 16, {1, 2, 3, 4, 5, 6, 10, 14}, true},
                        Case{"qsr:2:0.2", 40, {4, 8, 24, 40}, false}}) {
    run(3, [&](Communicator& comm) {
      const auto local =
          make_local_sgd({.period = parse_period(c.period)},
                         {.total_steps = c.total, .steps_per_epoch = 3, .learning_rate = rate});
      EXPECT_EQ(round_steps(comm, *local, c.total), c.rounds) << c.period;
      EXPECT_EQ(local->final_average_needed(), c.final_average) << c.period;
      EXPECT_EQ(comm.total_bytes(), static_cast<int64_t>(c.rounds.size()) * 2 * 8);
    });
  }
}

TEST_P(LocalSgd, ThePeriodInForceIsTold) {
  run(2, [](Communicator& comm) {
    const auto local = make_local_sgd({.period = parse_period("post-local:1:4")},
                                      {.total_steps = 20, .steps_per_epoch = 3});
    std::vector<int64_t> periods;
    at::Tensor x = at::zeros({2}, at::kDouble);
    local->join(comm, x);
    for (int64_t step = 0; step < 8; ++step) {
      periods.push_back(local->period());
      local->after_step({.step = step, .total_steps = 20}, x);
    }
    EXPECT_EQ(periods, (std::vector<int64_t>{1, 1, 1, 4, 4, 4, 4, 4}));
  });
}

TEST(LocalSgdState, ADamagedOrForeignCheckpointIsRefused) {
  const auto local = make_local_sgd({}, {.total_steps = 10});
  const auto error_of = [&](const std::vector<std::pair<std::string, at::Tensor>>& state) {
    try {
      local->load_state(state);
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error_of({}), "the checkpoint is of another algorithm: it has no clock");
  EXPECT_EQ(error_of({{"steps", at::zeros({}, at::kLong)}}),
            "the checkpoint is of another algorithm: it has no clock");
  EXPECT_EQ(error_of({{"clock", at::zeros({3}, at::kLong)}}),
            "the checkpoint's entry clock is damaged");
  EXPECT_EQ(error_of({{"clock", at::zeros({4}, at::kFloat)}}),
            "the checkpoint's entry clock is damaged");
  EXPECT_EQ(error_of({{"clock", at::full({4}, 11, at::kLong)}}),
            "a run of 10 steps cannot go on from step 11, 11 steps into a period of 11");
}

INSTANTIATE_TEST_SUITE_P(, LocalSgd, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::local_sgd_test
