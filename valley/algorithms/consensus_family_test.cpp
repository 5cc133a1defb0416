// Closed forms of easgd, lgrawa, lsgd's pull within a period, slowmo and diloco.

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "valley/algorithms/easgd.h"
#include "valley/algorithms/lgrawa.h"
#include "valley/algorithms/lsgd.h"
#include "valley/algorithms/registry.h"
#include "valley/algorithms/slowmo.h"
#include "valley/core/error.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::consensus_family_test {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

at::Tensor entry(const Algorithm& algorithm, const std::string& name) {
  for (const auto& [key, tensor] : algorithm.state()) {
    if (key == name) return tensor;
  }
  ADD_FAILURE() << "no " << name;
  return {};
}

// --- easgd --------------------------------------------------------------------------------------

TEST(Easgd, ThePullAndTheCentreByHand) {
  run_ranks(2, [](Communicator& comm) {
    const auto easgd =
        make_easgd({.push = 0, .period = {.base = 1}, .moving_rate = 0.5}, {.total_steps = 2});
    at::Tensor x = vec({4, 0});
    easgd->join(comm, x);                                   // z = (4, 0)
    x.copy_(comm.rank() == 0 ? vec({8, 4}) : vec({4, 8}));  // x_A = (6, 6)
    easgd->after_step({.total_steps = 2}, x);
    // alpha = 1/4: x + (z - x) / 4; z = (4, 0) / 2 + (6, 6) / 2.
    EXPECT_TRUE(x.equal(comm.rank() == 0 ? vec({7, 3}) : vec({4, 6})));
    EXPECT_TRUE(entry(*easgd, "center").equal(vec({5, 3})));
    ASSERT_TRUE(easgd->last_round());
    EXPECT_EQ(easgd->last_round()->figure("pull"), 0.25);
  });
}

TEST(Easgd, TheSumOfWorkersAndCentreIsConservedWithoutPush) {
  run_ranks(3, [](Communicator& comm) {
    const auto easgd =
        make_easgd({.push = 0, .period = {.base = 1}, .moving_rate = 0.9}, {.total_steps = 20});
    at::Tensor x = normals({10}, 1);
    easgd->join(comm, x);
    x.copy_(normals({10}, uint64_t(2 + comm.rank())));
    const auto total = [&] {
      const at::Tensor sum = x.clone();
      comm.all_reduce_sum(x, sum);
      return sum + entry(*easgd, "center");
    };
    const at::Tensor before = total();
    for (int64_t step = 0; step < 20; ++step) {
      easgd->after_step({.step = step, .total_steps = 20}, x);
      EXPECT_LT(largest(total() - before), 1e-13);
    }
    EXPECT_LT(largest(x - before / 4), 0.05);  // all on their way to the common mean
  });
}

TEST(Easgd, ThePushKeepsTheWidthOfDppf) {
  // Two workers, no gradients: the differences shrink by 1 - beta / M and grow by lambda.
  run_ranks(2, [](Communicator& comm) {
    const auto easgd =
        make_easgd({.push = 0.5, .period = {.base = 1}, .moving_rate = 0.2}, {.total_steps = 300});
    at::Tensor x = at::zeros({6}, at::kDouble);
    easgd->join(comm, x);
    x.copy_(normals({6}, uint64_t(comm.rank())));
    for (int64_t step = 0; step < 300; ++step)
      easgd->after_step({.step = step, .total_steps = 300}, x);
    EXPECT_NEAR(easgd->last_round()->distance, 5, 1e-9);  // lambda / alpha, alpha = .1
  });
}

// --- lgrawa -------------------------------------------------------------------------------------

TEST(Lgrawa, EveryLayerHasItsOwnWeights) {
  // Layer one: norms (1, 3) weigh .75 and .25; layer two: (3, 1).
  const at::Tensor X = normals({2, 7}, 1);
  run_ranks(2, [&](Communicator& comm) {
    const double own = comm.rank() == 0 ? 1 : 3;
    const auto lgrawa = make_lgrawa({.pull_push = {.pull = 0.5, .push = 0}, .period = {.base = 1}},
                                    {.layers = {{0, 3}, {3, 4}}, .layer_gradient_norms = [own] {
                                       return std::vector<double>{own, 4 - own};
                                     }});
    at::Tensor x = X[comm.rank()].clone();
    lgrawa->join(comm, x);
    lgrawa->after_step({}, x);
    at::Tensor center = 0.75 * X[0] + 0.25 * X[1];
    center.narrow(0, 3, 4).copy_((0.25 * X[0] + 0.75 * X[1]).narrow(0, 3, 4));
    EXPECT_LT(largest(x - (X[comm.rank()] + 0.5 * (center - X[comm.rank()]))), 1e-14);
  });
}

TEST(Lgrawa, WithOneLayerItIsMgrawa) {
  const at::Tensor X = normals({3, 7}, 1);
  run_ranks(3, [&](Communicator& comm) {
    std::vector<at::Tensor> ends;
    for (const char* name : {"mgrawa", "lgrawa"}) {
      int round = 0;
      const auto algorithm = make_algorithm(
          name, GrawaOptions{.pull_push = {.pull = 0.5, .push = 0.1}, .period = {.base = 1}},
          {.total_steps = 3, .layers = {{0, 7}}, .layer_gradient_norms = [&] {
             return std::vector<double>{1.0 + comm.rank() + round++};
           }});
      at::Tensor x = X[comm.rank()].clone();
      algorithm->join(comm, x);
      for (int64_t step = 0; step < 3; ++step)
        algorithm->after_step({.step = step, .total_steps = 3}, x);
      ends.push_back(x);
    }
    EXPECT_LT(largest(ends[0] - ends[1]), 1e-14);
  });
}

TEST(Lgrawa, NeedsTheLayers) {
  run_ranks(1, [](Communicator&) {
    try {
      make_lgrawa({}, {.layer_gradient_norms = [] { return std::vector<double>{1}; }});
      ADD_FAILURE() << "no error";
    } catch (const UsageError& e) {
      EXPECT_STREQ(e.what(),
                   "lgrawa needs a training loop that knows the layers "
                   "(AlgorithmContext::layers)");
    }
  });
}

// --- lsgd within a period -----------------------------------------------------------------------

TEST(LsgdLeaderPull, PullsTowardsTheLastLeaderWithinAPeriod) {
  run_ranks(2, [](Communicator& comm) {
    const auto lsgd = make_lsgd(
        {.pull_push = {.pull = 0.5, .push = 0}, .period = {.base = 2}, .leader_pull = 0.5},
        {.total_steps = 10});
    at::Tensor x = comm.rank() == 0 ? vec({0}) : vec({8});
    lsgd->join(comm, x);
    const double loss = comm.rank();  // worker 0 leads
    const auto step = [&](int64_t k) {
      lsgd->after_step({.step = k, .total_steps = 10, .loss = loss}, x);
    };
    step(0);  // no leader yet
    EXPECT_EQ(x.item<double>(), comm.rank() == 0 ? 0 : 8);
    step(1);  // a round: half way to the leader
    EXPECT_EQ(x.item<double>(), comm.rank() == 0 ? 0 : 4);
    step(2);  // within the period: p / tau = 1/4 of the way
    EXPECT_EQ(x.item<double>(), comm.rank() == 0 ? 0 : 3);
  });
}

// --- outer optimizers ---------------------------------------------------------------------------

// x_A of the two workers after each round's local training, given where it began.
std::vector<double> rounds(const std::string& name, const MethodValues& values) {
  std::vector<double> starts;
  run_ranks(2, [&](Communicator& comm) {
    AlgorithmOptions options = find_algorithm(name).with(values);
    set(options.settings(), "period", "1");
    const auto algorithm = make_algorithm(
        name, options, {.total_steps = 3, .learning_rate = [](int64_t) { return 0.5; }});
    at::Tensor x = vec({8});
    algorithm->join(comm, x);
    for (int64_t step = 0; step < 3; ++step) {
      algorithm->before_gradient({.step = step, .total_steps = 3}, x);
      x.sub_(comm.rank() == 0 ? 1.0 : 3.0);  // the average goes down by 2
      algorithm->after_step({.step = step, .total_steps = 3}, x);
      if (comm.rank() == 0) starts.push_back(x.item<double>());
    }
  });
  return starts;
}

TEST(SlowMo, ByHand) {
  // eta .5, so u = 4, then .5 * 4 + 4 = 6, then 7; x <- x - alpha .5 u.
  EXPECT_EQ(rounds("slowmo", {{"outer-lr", 1.0}, {"outer-momentum", 0.5}}),
            (std::vector<double>{6, 3, -0.5}));
  EXPECT_EQ(rounds("slowmo", {}), (std::vector<double>{6, 3, -0.5}));  // those are its own
  EXPECT_EQ(rounds("slowmo", {{"outer-lr", 0.5}, {"outer-momentum", 0.0}}),
            (std::vector<double>{7, 6, 5}));
}

TEST(DiLoCo, ByHand) {
  // v = 2, then 3, then 3.5; x <- x - alpha (2 + .5 v).
  EXPECT_EQ(rounds("diloco", {{"outer-lr", 1.0}, {"outer-momentum", 0.5}}),
            (std::vector<double>{5, 1.5, -2.25}));
  const std::vector<double> own = rounds("diloco", {});
  EXPECT_NEAR(own[0], 8 - 0.7 * (2 + 0.9 * 2), 1e-12);
}

TEST(OuterOptimizers, WithoutMomentumTheyAreLocalSgdBitForBit) {
  const at::Tensor X = normals({3, 9}, 1, at::kFloat);
  run_ranks(3, [&](Communicator& comm) {
    std::vector<at::Tensor> ends;
    for (const char* name : {"local-sgd", "slowmo", "diloco"}) {
      const auto algorithm = make_algorithm(
          name,
          find_algorithm(name).with({{"period", "2"}, {"outer-lr", 1.0}, {"outer-momentum", 0.0}}),
          {.total_steps = 7, .learning_rate = [](int64_t) { return 0.1; }});
      at::Tensor x = X[0].clone();
      algorithm->join(comm, x);
      for (int64_t step = 0; step < 7; ++step) {
        algorithm->before_gradient({.step = step, .total_steps = 7}, x);
        x.sub_(X[comm.rank()], 0.1);
        algorithm->after_step({.step = step, .total_steps = 7}, x);
      }
      ends.push_back(x);
    }
    EXPECT_TRUE(ends[1].equal(ends[0]));
    EXPECT_TRUE(ends[2].equal(ends[0]));
  });
}

TEST(SlowMo, ALearningRateOfZeroTakesTheAverage) {
  run_ranks(2, [](Communicator& comm) {
    const auto slowmo = make_slowmo(
        {.period = {.base = 1}}, {.total_steps = 2, .learning_rate = [](int64_t) { return 0.0; }});
    at::Tensor x = vec({1});
    slowmo->join(comm, x);
    x.copy_(vec({double(comm.rank())}));
    slowmo->after_step({}, x);
    EXPECT_EQ(x.item<double>(), 0.5);
  });
}

}  // namespace
}  // namespace valley::consensus_family_test
