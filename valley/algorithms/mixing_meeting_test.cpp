// Rounds and steps with the neighbours of a graph.

#include "valley/algorithms/mixing_meeting.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "valley/algorithms/compressed_mixing.h"
#include "valley/algorithms/consensus.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/rounds.h"
#include "valley/comm/group.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::mixing_meeting_test {
namespace {

constexpr int kWorkers = 4;

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

// Drawn towards what the neighbours say, every other local step.
RoundsAlgorithm towards_neighbours(const std::string& topology, double pull,
                                   const std::string& compress = "none") {
  return {{.base = 2},
          {.total_steps = 1000},
          std::make_unique<Mixing>(GraphFor(DpsgdOptions{.topology = topology}, 3)),
          std::make_unique<Consensus>(PullPushOptions{.pull = pull, .push = 0}),
          compress};
}

at::Tensor matrix_of(const std::string& topology, int64_t round) {
  const MixingMatrix p = make_topology(topology, {.workers = kWorkers, .seed = 3})->matrix(round);
  at::Tensor result = at::zeros({kWorkers, kWorkers}, at::kDouble);
  for (int j = 0; j < kWorkers; ++j) {
    for (int k = 0; k < kWorkers; ++k) result[j][k] = p(j, k);
  }
  return result;
}

// x_m <- x_m + alpha (sum_k P_mk x_k - x_m) in every round, with the matrix of the round.
TEST(RoundsWithNeighbours, AreTheMatrixOfTheRound) {
  for (const char* topology : {"ring", "star", "complete", "one-peer-exponential"}) {
    run_ranks(kWorkers, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = towards_neighbours(topology, 0.4);
      at::Tensor x = normals({5}, 1);
      algorithm.join(comm, x);
      x.copy_(normals({5}, uint64_t(20 + comm.rank())));
      at::Tensor all = comm.all_gather(x);  // [M, d]
      for (int64_t step = 0; step < 6; ++step) {
        algorithm.after_step({.step = step}, x);
        if (step % 2 == 0) {
          EXPECT_FALSE(algorithm.last_round());
          continue;
        }
        const at::Tensor mixed = at::matmul(matrix_of(topology, algorithm.rounds()), all);
        EXPECT_NEAR(algorithm.last_round()->distance,
                    (mixed - all)[comm.rank()].norm().item<double>(), 1e-12);
        all = all + 0.4 * (mixed - all);
        EXPECT_LT(largest(x - all[comm.rank()]), 1e-12) << topology << ", step " << step;
      }
      EXPECT_TRUE(algorithm.final_average_needed());  // nobody has heard of everybody
    });
  }
}

TEST(RoundsWithNeighbours, TwoOfOnePeerEachAreTheMean) {
  run_ranks(kWorkers, [](Communicator& comm) {
    RoundsAlgorithm algorithm = towards_neighbours("one-peer-exponential", 1);
    at::Tensor x = at::tensor({0.}, at::kDouble);
    algorithm.join(comm, x);
    x.fill_(comm.rank());
    for (int64_t step = 0; step < 4; ++step) algorithm.after_step({.step = step}, x);
    EXPECT_EQ(x.item<double>(), 1.5);
  });
}

// Every worker moves the replicas of all, each to its own neighbours.
TEST(RoundsWithNeighbours, CompressedKeepTheMeanAndComeToIt) {
  for (const char* compress : {"int8", "top-k:0.2"}) {
    run_ranks(kWorkers, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = towards_neighbours("ring", 0.5, compress);
      at::Tensor x = at::zeros({10}, at::kDouble);
      algorithm.join(comm, x);
      x.copy_(normals({10}, uint64_t(comm.rank())));
      const at::Tensor mean = x.clone();
      comm.all_reduce_mean(mean);
      for (int64_t step = 0; step < 300; ++step) algorithm.after_step({.step = step}, x);
      EXPECT_LT(largest(x - mean), 1e-6) << compress;
    });
  }
}

TEST(RoundsWithNeighbours, AWorkerAloneStaysWhereItIs) {
  const auto solo = make_solo();
  RoundsAlgorithm algorithm = towards_neighbours("ring", 0.3);
  at::Tensor x = normals({7}, 1, at::kFloat);
  const at::Tensor before = x.clone();
  algorithm.join(*solo, x);
  for (int64_t step = 0; step < 4; ++step) algorithm.after_step({.step = step}, x);
  EXPECT_TRUE(x.equal(before));
  EXPECT_FALSE(algorithm.final_average_needed());
}

// Any meeting can be begun before the gradient: x + (mean - x as it was sent) + step.
TEST(RoundsInEveryStep, BegunBeforeTheGradientKeepTheLocalStep) {
  run_ranks(2, [](Communicator& comm) {
    EveryStepRounds algorithm(std::make_unique<MeanOfAll>(), std::make_unique<AllTheWay>(),
                              MixingOrder::kAwc);
    at::Tensor x = at::tensor({0.}, at::kDouble), g = x.clone();
    algorithm.join(comm, x);
    x.fill_(comm.rank() == 0 ? 0 : 8);
    algorithm.before_gradient({}, x);
    algorithm.on_gradient({}, x, g);
    x.add_(comm.rank() == 0 ? 1 : 3);
    algorithm.after_step({}, x);
    EXPECT_EQ(x.item<double>(), comm.rank() == 0 ? 5 : 7);
  });
}

}  // namespace
}  // namespace valley::mixing_meeting_test
