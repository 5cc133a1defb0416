// Rounds in which some take part, and whose data differ: fedavg, fedprox, scaffold, drag.

#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "valley/algorithms/participants.h"
#include "valley/algorithms/testing/descend.h"
#include "valley/testing/normals.h"

namespace valley::federated_test {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

// Worker m's loss is h_m (x - b_m)^2 / 2.
at::Tensor bowl(int rank, const at::Tensor& x, int64_t) {
  const std::vector<double> h = {1, 3, 2}, b = {-1, 1, 4};
  return (x - b[size_t(rank)]) * h[size_t(rank)];
}

at::Tensor wavy(int rank, const at::Tensor& x, int64_t step) {
  return (x * (1 + rank) + double(step)).sin();
}

TEST(Participants, AreSoManyAndEachTheSameOften) {
  const Participants half(0.5, 7);
  std::vector<int> times(5);
  constexpr int kRounds = 5000;
  for (int64_t round = 0; round < kRounds; ++round) {
    const auto speaks = half.of(round, 5);
    EXPECT_EQ(std::count(speaks.begin(), speaks.end(), true), 3);
    for (size_t m = 0; m < 5; ++m) times[m] += speaks[m];
  }
  for (const int t : times) EXPECT_NEAR(t, 0.6 * kRounds, 5 * std::sqrt(0.24 * kRounds));
  EXPECT_EQ(half.of(3, 5), half.of(3, 5));
}

TEST(FedAvg, OfAllIsLocalSgdBitForBit) {
  const at::Tensor start = at::stack({vec({1, 2}), vec({1, 2}), vec({1, 2})});
  const MethodValues every_third = {{"period", "3"}};
  const Descent fedavg = {"fedavg", every_third, 0.1, 20},
                local = {"local-sgd", every_third, 0.1, 20};
  EXPECT_TRUE(descend(fedavg, start, wavy).equal(descend(local, start, wavy)));
}

// One of three is asked: all come to where it stood, whatever the others have done.
TEST(FedAvg, WhatTheOthersHaveDoneIsLost) {
  const Descent one = {"fedavg", {{"period", "1"}, {"participate", 0.3}}, 1, 1};
  const at::Tensor end =
      descend(one, at::zeros({3, 2}, at::kDouble),
              [](int rank, auto& x, int64_t) { return at::zeros_like(x) - (rank + 1); });
  EXPECT_TRUE(end.eq(end[0]).all().item<bool>());
  const double where = end[0][0].item<double>();
  EXPECT_TRUE(where == 1 || where == 2 || where == 3) << where;
}

TEST(FedProx, WithoutItsTermIsFedAvgBitForBit) {
  const at::Tensor start = at::zeros({3, 4}, at::kDouble);
  const MethodValues some = {{"period", "2"}, {"participate", 0.5}};
  MethodValues none = some;
  none.emplace_back("prox", 0.0);
  EXPECT_TRUE(descend({"fedprox", none, 0.1, 15}, start, wavy)
                  .equal(descend({"fedavg", some, 0.1, 15}, start, wavy)));
}

// x <- x - a (h (x - b) + mu (x - x_0)) from x_0 = 0, twice, then the mean of two.
TEST(FedProx, HoldsToWhereTheRoundBegan) {
  const double mu = 0.5, a = 0.1;
  double mean = 0;
  for (int m = 0; m < 2; ++m) {
    const double h = m == 0 ? 1 : 3, b = m == 0 ? -1 : 1;
    double x = 0;
    for (int step = 0; step < 2; ++step) x -= a * (h * (x - b) + mu * x);
    mean += x / 2;
  }
  const at::Tensor end = descend({"fedprox", {{"period", "2"}, {"prox", mu}}, a, 2},
                                 at::zeros({2, 1}, at::kDouble), bowl);
  EXPECT_LT(largest(end - mean), 1e-15);
}

// sum h b / sum h is where the mean loss is lowest; local-sgd comes to rest beside it.
TEST(Scaffold, FindsTheMinimumOfTheMeanLoss) {
  const at::Tensor start = at::zeros({3, 1}, at::kDouble);
  const double best = (-1 + 3 + 8) / 6.0;
  const MethodValues period = {{"period", "5"}};
  EXPECT_LT(largest(descend({"scaffold", period, 0.1, 1000}, start, bowl) - best), 1e-10);
  EXPECT_GT(largest(descend({"local-sgd", period, 0.1, 1000}, start, bowl) - best), 0.02);
  const MethodValues some = {{"period", "5"}, {"participate", 0.5}};
  EXPECT_LT(largest(descend({"scaffold", some, 0.05, 4000}, start, bowl) - best), 1e-6);
}

// c is the mean of the c_m as long as all take part.
TEST(Scaffold, TheControlOfAllIsTheMeanOfTheirOwn) {
  run_ranks(3, [](Communicator& comm) {
    const auto scaffold =
        make_algorithm("scaffold", find_algorithm("scaffold").with({{"period", "2"}}),
                       {.total_steps = 8, .learning_rate = [](int64_t) { return 0.1; }});
    at::Tensor x = vec({1, -1});
    scaffold->join(comm, x);
    for (int64_t step = 0; step < 8; ++step) {
      at::Tensor g = bowl(comm.rank(), x, step);
      scaffold->on_gradient({.step = step}, x, g);
      x.sub_(g, 0.1);
      scaffold->after_step({.step = step}, x);
    }
    const AlgorithmState state = scaffold->state();
    at::Tensor own = state_entry(state, "own_control", at::kDouble, 2);
    EXPECT_GT(largest(own), 0.1);
    comm.all_reduce_mean(own);
    EXPECT_LT(largest(own - state_entry(state, "control", at::kDouble, 2)), 1e-14);
  });
}

TEST(Drag, WithoutTurningIsFedAvgBitForBit) {
  const at::Tensor start = at::zeros({3, 4}, at::kDouble);
  const MethodValues some = {{"period", "2"}, {"participate", 0.5}};
  MethodValues none = some;
  none.emplace_back("drag", 0.0);
  EXPECT_TRUE(descend({"drag", none, 0.1, 15}, start, wavy)
                  .equal(descend({"fedavg", some, 0.1, 15}, start, wavy)));
}

// Both go (1, 0); then one goes (0, 2), at a right angle, and one (3, 0), along: the first is
// turned by the share c and keeps its length, the other not at all.
TEST(Drag, TurnsAWayTheMoreItDiffers) {
  const double c = 0.25;
  const Descent two = {"drag", {{"period", "1"}, {"drag", c}}, 1, 2};
  const at::Tensor end =
      descend(two, at::zeros({2, 2}, at::kDouble), [](int rank, const at::Tensor&, int64_t step) {
        if (step == 0) return vec({-1, 0});
        return rank == 0 ? vec({0, -2}) : vec({-3, 0});
      });
  const at::Tensor turned = vec({2 * c, 2 * (1 - c)});
  EXPECT_LT(largest(end - (vec({1, 0}) + (turned + vec({3, 0})) / 2)), 1e-15);
}

}  // namespace
}  // namespace valley::federated_test
