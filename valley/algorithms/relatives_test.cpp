// Closed forms of dsgd-ac and what fades, of dpsgd's gossips, palsgd, noloco, diloco's restarts,
// sparta, wash and relaysgd.

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "valley/algorithms/fading.h"
#include "valley/algorithms/graph.h"
#include "valley/algorithms/testing/descend.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"

namespace valley::relatives_test {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

at::Tensor wavy(int rank, const at::Tensor& x, int64_t step) {
  return (x * (1 + rank) + double(step)).sin();
}

// Every worker at a place of its own, by a first step whose gradient is minus it.
at::Tensor apart(int rank, const at::Tensor& x, int64_t step) {
  return step == 0 ? at::full_like(x, -double(rank * rank + 1)) : at::zeros_like(x);
}

// --- what fades ---------------------------------------------------------------------------------

TEST(Fading, FollowsTheLearningRateFromTheEndOfTheWarmUp) {
  const AlgorithmContext context = {
      .learning_rate =
          [](int64_t step) { return step < 4 ? 0.1 * (step + 1) : 0.8 / double(step); },
      .warmup_steps = 4};
  const Fading fading(3, 0.1, context);
  EXPECT_EQ(fading.at(0), 1);
  EXPECT_EQ(fading.at(3), 1);
  EXPECT_EQ(fading.at(4), 1);
  EXPECT_DOUBLE_EQ(fading.at(8), 0.1 + 0.9 / 8);
  EXPECT_EQ(Fading(0, 0, {}).at(100), 1);
  EXPECT_EQ(error_of<UsageError>([] { Fading(1, 0, {}); }),
            "fade needs the learning rate of a step (AlgorithmContext::learning_rate)");
}

TEST(DsgdAc, ThatDoesNotFadeIsDpsgdBitForBit) {
  const at::Tensor start = normals({1, 6}, 1).expand({5, 6}).contiguous();
  for (const char* topology : {"ring", "complete"}) {
    const at::Tensor one =
        descend({"dsgd-ac", {{"topology", topology}, {"fade", 0.0}}, 0.1, 12}, start, wavy);
    const at::Tensor other =
        descend({"dpsgd", {{"topology", topology}, {"mixing", "awc"}}, 0.1, 12}, start, wavy);
    EXPECT_LT(largest(one - other), topology == std::string("ring") ? 1e-300 : 1e-14);
  }
}

// Two workers at 0 and 8, a learning rate that halves: gamma 1, then 1/4 with p = 2.
TEST(DsgdAc, MixesTheLessTheSmallerTheLearningRate) {
  run_ranks(2, [](Communicator& comm) {
    const auto method =
        make_algorithm("dsgd-ac", find_algorithm("dsgd-ac").with({{"fade", 2.0}}),
                       {.learning_rate = [](int64_t step) { return step == 0 ? 0.2 : 0.1; }});
    at::Tensor x = vec({0});
    method->join(comm, x);
    x.fill_(8 * comm.rank());
    method->before_gradient({.step = 1}, x);
    method->after_step({.step = 1}, x);
    EXPECT_TRUE(x.equal(vec({comm.rank() == 0 ? 1.0 : 7.0})));
  });
}

TEST(Fading, APullThatHasFadedLeavesThePush) {
  run_ranks(2, [](Communicator& comm) {
    const auto method = make_algorithm(
        "dppf",
        find_algorithm("dppf").with({{"period", "1"}, {"pull", 0.5}, {"push", 1.0}, {"fade", 1.0}}),
        {.learning_rate = [](int64_t step) { return step == 0 ? 0.1 : 0.0; }});
    at::Tensor x = vec({0});
    method->join(comm, x);
    x.fill_(8 * comm.rank());
    method->after_step({.step = 0, .total_steps = 9}, x);  // half way to 4, and 1 back
    EXPECT_TRUE(x.equal(vec({comm.rank() == 0 ? 1.0 : 7.0})));
    EXPECT_EQ(method->last_round()->figure("predicted_width"), 2);
    method->after_step({.step = 1, .total_steps = 9}, x);
    EXPECT_TRUE(x.equal(vec({comm.rank() == 0 ? 0.0 : 8.0})));
    EXPECT_EQ(method->last_round()->figure("pull"), 0);
    EXPECT_EQ(method->last_round()->figure("predicted_width"), 0);  // there is none
  });
}

// --- dpsgd --------------------------------------------------------------------------------------

// All matrices of a base graph one after the other are the exact mean.
TEST(Dpsgd, AsManyGossipsAsABaseGraphIsLongAreTheMean) {
  const at::Tensor start = at::zeros({5, 3}, at::kDouble);
  for (const char* order : {"awc", "atc"}) {
    const MethodValues values = {
        {"topology", "base-graph"}, {"gossips", int64_t{5}}, {"mixing", order}};
    const MethodValues complete = {{"topology", "complete"}, {"mixing", order}};
    EXPECT_LT(largest(descend({"dpsgd", values, 0.1, 9}, start, wavy) -
                      descend({"dpsgd", complete, 0.1, 9}, start, wavy)),
              1e-13)
        << order;
  }
}

// Mixing after every second step, as if two steps were one.
TEST(Dpsgd, MixesEveryGossipPeriod) {
  const at::Tensor start = at::zeros({4, 2}, at::kDouble);
  const auto slope = [](int rank, const at::Tensor& x, int64_t) {
    return at::full_like(x, double(rank));
  };
  const MethodValues every = {{"topology", "one-peer-exponential"}};
  MethodValues second = every;
  second.emplace_back("gossip-period", int64_t{2});
  EXPECT_LT(largest(descend({"dpsgd", second, 0.1, 6}, start, slope) -
                    descend({"dpsgd", every, 0.2, 3}, start, slope)),
            1e-15);
}

// --- rounds -------------------------------------------------------------------------------------

TEST(DiLoCo, RestartedInEveryRoundRemembersNothing) {
  const at::Tensor start = at::zeros({2, 3}, at::kDouble);
  const MethodValues plain = {
      {"period", "2"}, {"outer-lr", 0.5 * (1 + 0.8)}, {"outer-momentum", 0.0}};
  const MethodValues anew = {
      {"period", "2"}, {"outer-lr", 0.5}, {"outer-momentum", 0.8}, {"outer-restart", int64_t{1}}};
  EXPECT_LT(largest(descend({"diloco", anew, 0.1, 12}, start, wavy) -
                    descend({"diloco", plain, 0.1, 12}, start, wavy)),
            1e-14);
  MethodValues later = anew, never = anew;
  later.back().second = int64_t{3};
  never.back().second = int64_t{0};
  const auto after = [&](const MethodValues& values, int64_t rounds) {
    return descend({"diloco", values, 0.1, 2 * rounds}, start, wavy);
  };
  EXPECT_TRUE(after(later, 3).equal(after(never, 3)));
  EXPECT_FALSE(after(later, 4).equal(after(never, 4)));
}

TEST(PalSgd, WithoutStepsToTheAnchorIsDiLoCoBitForBit) {
  const at::Tensor start = at::zeros({3, 2}, at::kDouble);
  EXPECT_TRUE(
      descend({"palsgd", {{"period", "3"}, {"anchor-probability", 0.0}}, 0.1, 10}, start, wavy)
          .equal(descend({"diloco", {{"period", "3"}}, 0.1, 10}, start, wavy)));
}

// Without rounds in between: a step is -lr / (1 - q), or lr eta / q of the way back to the start.
TEST(PalSgd, EitherAGradientOrTheAnchorAndInTheMeanBoth) {
  run_ranks(2, [](Communicator& comm) {
    constexpr double kRate = 0.1, kQ = 0.25, kEta = 0.5;
    const auto method = make_algorithm(
        "palsgd",
        find_algorithm("palsgd").with(
            {{"period", "100000"}, {"anchor-probability", kQ}, {"anchor-pull", kEta}}),
        {.total_steps = 100000, .seed = 1, .learning_rate = [](int64_t) { return kRate; }});
    at::Tensor x = vec({0}), g = vec({1});
    method->join(comm, x);
    int anchored = 0;
    constexpr int kSteps = 4000;
    for (int64_t step = 0; step < kSteps; ++step) {
      x.fill_(2);
      method->local_step({.step = step}, x, g, [&] { x.sub_(g, kRate); });
      const double moved = x.item<double>() - 2;
      const bool back = std::abs(moved + kRate * kEta / kQ * 2) < 1e-14;
      EXPECT_TRUE(back || std::abs(moved + kRate / (1 - kQ)) < 1e-14) << moved;
      anchored += back;
    }
    EXPECT_NEAR(anchored, kQ * kSteps, 5 * std::sqrt(kQ * (1 - kQ) * kSteps));
    const at::Tensor others = comm.all_gather(vec({double(anchored)}));
    EXPECT_NE(others[0].item<double>(), others[1].item<double>());  // each draws for itself
  });
}

// Two workers are one pair: x0 = 0, then 4 and 8 with a = 1/2, beta = 1/2: delta 3; both to 3. Then
// both step by 2: delta 3/2 + (5 - 3) / 2.
TEST(NoLoCo, APairWithMomentumByHand) {
  run_ranks(2, [](Communicator& comm) {
    const auto method =
        make_algorithm("noloco",
                       find_algorithm("noloco").with(
                           {{"period", "1"}, {"outer-lr", 0.5}, {"outer-momentum", 0.5}}),
                       {.total_steps = 9});
    at::Tensor x = vec({0});
    method->join(comm, x);
    x.fill_(comm.rank() == 0 ? 4 : 8);
    method->after_step({.step = 0}, x);
    EXPECT_TRUE(x.equal(vec({3})));
    x.add_(2);
    method->after_step({.step = 1}, x);
    EXPECT_TRUE(x.equal(vec({5.5})));
  });
}

// Of three workers one sits out and stays; the others take their mean.
TEST(NoLoCo, AnOddWorkerSitsOut) {
  const Descent once = {
      "noloco", {{"period", "1"}, {"outer-lr", 1.0}, {"outer-momentum", 0.0}}, 1, 1};
  const at::Tensor end = descend(once, at::zeros({3, 2}, at::kDouble), apart);  // 1, 2 and 5
  int stayed = 0;
  for (int m = 0; m < 3; ++m) stayed += end[m][0].item<double>() == m * m + 1;
  EXPECT_EQ(stayed, 1);
  EXPECT_DOUBLE_EQ(end.select(1, 0).sum().item<double>(), 8);
}

// --- random values ------------------------------------------------------------------------------

TEST(Sparta, AveragesSoManyPlaces) {
  const at::Tensor end =
      descend({"sparta", {{"exchange-share", 0.3}}, 1, 1}, at::zeros({3, 10}, at::kDouble), apart);
  const at::Tensor mean = vec({1, 2, 5}).mean();
  int met = 0;
  for (int i = 0; i < 10; ++i) {
    const at::Tensor column = end.select(1, i);
    const bool together = (column - mean).abs().max().item<double>() < 1e-15;
    EXPECT_TRUE(together || column.equal(vec({1, 2, 5}))) << column;
    met += together;
  }
  EXPECT_EQ(met, 3);
}

TEST(Sparta, OfAllValuesIsTheMeanInEveryStep) {
  const at::Tensor start = at::zeros({3, 4}, at::kDouble);
  EXPECT_LT(largest(descend({"sparta", {{"exchange-share", 1.0}}, 0.1, 10}, start, wavy) -
                    descend({"local-sgd", {{"period", "1"}}, 0.1, 10}, start, wavy)),
            1e-14);
}

// Every value goes to some worker, each permutation as often as any other.
TEST(Wash, ShufflesSoManyPlacesAmongTheWorkers) {
  constexpr int64_t kValues = 12'000;
  const Descent once = {"wash", {{"exchange-share", 0.5}}, 1, 1};
  const at::Tensor end = descend(once, at::zeros({3, kValues}, at::kDouble), apart);  // 1, 2, 5
  EXPECT_TRUE(end.sum(0).eq(8).all().item<bool>());
  EXPECT_TRUE(end.square().sum(0).eq(30).all().item<bool>());
  // Half of them, of which a sixth stay where they were and a third at worker 0's.
  const double moved = end[0].ne(1).to(at::kDouble).mean().item<double>();
  EXPECT_NEAR(moved, 0.5 * 2 / 3, 0.02);
  EXPECT_NEAR(end[0].eq(5).to(at::kDouble).mean().item<double>(), 0.5 / 3, 0.02);
}

// --- relaysgd -----------------------------------------------------------------------------------

// A chain 0 - 1 - 2 at 1, 2 and 5, by hand.
TEST(RelaySgd, RelaysWhatTheOthersSaid) {
  const at::Tensor start = at::zeros({3, 1}, at::kDouble);
  const auto after = [&](int64_t steps) {
    return descend({"relaysgd", {}, 1, steps}, start, apart).flatten();
  };
  EXPECT_LT(largest(after(1) - vec({1.5, 8 / 3.0, 3.5})), 1e-14);
  // Worker 0 hears of 1's new place and of 2's old one.
  EXPECT_LT(largest(after(2) - vec({(1.5 + 8 / 3.0 + 5) / 3, (1.5 + 8 / 3.0 + 3.5) / 3,
                                    (3.5 + 8 / 3.0 + 1) / 3})),
            1e-14);
}

// Where nothing moves any more all are at one place, where the mean gradient is 0: 2/3 here. dpsgd
// comes to rest beside it.
TEST(RelaySgd, DataThatDifferDrawItNowhere) {
  const at::Tensor start = at::zeros({5, 1}, at::kDouble);
  const auto bowls = [](int rank, const at::Tensor& x, int64_t) {
    const std::vector<double> b = {5, -3, 2, 0, 1};
    return (x - b[size_t(rank)]) * (rank + 1);
  };
  for (const char* tree : {"chain", "tree", "star"}) {
    EXPECT_LT(
        largest(descend({"relaysgd", {{"relay-tree", tree}}, 0.05, 1500}, start, bowls) - 2.0 / 3),
        1e-10)
        << tree;
  }
  EXPECT_GT(
      largest(descend({"dpsgd", {{"topology", "chain"}}, 0.05, 1500}, start, bowls) - 2.0 / 3),
      0.01);
}

TEST(RelaySgd, WantsATree) {
  const auto error = [](const std::string& tree, int workers) {
    return error_of<UsageError>([&] {
      check_algorithm("relaysgd", find_algorithm("relaysgd").with({{"relay-tree", tree}}), workers,
                      0);
    });
  };
  EXPECT_EQ(error("star", 4), "no error");
  EXPECT_EQ(error("ring", 2), "no error");
  EXPECT_EQ(error("ring", 4),
            "relay-tree ring with 4 workers is no tree, which has one way from everyone to "
            "everyone: chain, tree or star");
}

}  // namespace
}  // namespace valley::relatives_test
