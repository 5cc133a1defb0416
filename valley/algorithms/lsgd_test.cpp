#include "valley/algorithms/lsgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "valley/algorithms/registry.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::lsgd_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One period from the rows of X [M, d]; losses[m] are worker m's in its local steps. The rows after
// it.
at::Tensor round(const at::Tensor& X, const PullPushOptions& options,
                 const std::vector<std::vector<double>>& losses,
                 const std::string& backend = "thread") {
  at::Tensor end = X.clone();
  run_ranks(
      static_cast<int>(X.size(0)),
      [&](Communicator& comm) {
        const auto steps = static_cast<int64_t>(losses[0].size());
        const auto lsgd =
            make_lsgd({.pull_push = options, .period = {.base = steps}}, {.total_steps = steps});
        at::Tensor x = X[comm.rank()].clone();
        lsgd->join(comm, x);
        for (int64_t step = 0; step < steps; ++step) {
          lsgd->after_step({.step = step, .total_steps = steps, .loss = losses[comm.rank()][step]},
                           x);
        }
        EXPECT_EQ(lsgd->rounds(), 1);
        end[comm.rank()].copy_(x);
      },
      backend);
  return end;
}

// Who leads: with pull 1 and no push all end there.
int leader(const std::vector<std::vector<double>>& losses) {
  const auto workers = static_cast<int64_t>(losses.size());
  const at::Tensor X = normals({workers, 5}, 1);
  const at::Tensor end = round(X, {.pull = 1, .push = 0}, losses);
  for (int64_t m = 0; m < workers; ++m) {
    if (end[0].equal(X[m])) return static_cast<int>(m);
  }
  return -1;
}

class Lsgd : public testing::TestWithParam<std::string> {};

// A13.
TEST_P(Lsgd, ThePullLeavesTheLeaderAndDrawsTheOthersToIt) {
  const at::Tensor X = normals({3, 20}, 2);
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const double alpha : {0.1, 0.3, 0.5, 0.9}) {
      const at::Tensor x = X.to(dtype);
      const at::Tensor end =
          round(x, {.pull = alpha, .push = 0}, {{0.5}, {0.2}, {0.3}}, GetParam());
      EXPECT_TRUE(end[1].equal(x[1])) << alpha;
      for (const int64_t m : {0, 2}) {
        const at::Tensor expected = x[m] + alpha * (x[1] - x[m]);
        EXPECT_LT((end[m] - expected).abs().max().item<double>(), 1e-6);
      }
    }
  }
}

TEST_P(Lsgd, FullPullCollapsesAllOntoTheLeader) {
  const at::Tensor X = normals({3, 20}, 3);
  const at::Tensor end = round(X, {.pull = 1, .push = 0}, {{2, 2}, {1, 4}, {1.5, 0.5}}, GetParam());
  for (int64_t m = 0; m < 3; ++m) EXPECT_TRUE(end[m].equal(X[2]));
}

TEST_P(Lsgd, WithoutPushItIsLeaderSgdBitForBit) {
  const at::Tensor X = normals({3, 20}, 4);
  const at::Tensor end = round(X, {.pull = 0.2, .push = 0}, {{3}, {2}, {1}}, GetParam());
  for (int64_t m = 0; m < 3; ++m) EXPECT_TRUE(end[m].equal(X[m] + 0.2 * (X[2] - X[m])));
}

INSTANTIATE_TEST_SUITE_P(, Lsgd, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

TEST(LsgdLeader, HasTheLowestMeanLoss) {
  EXPECT_EQ(leader({{1}, {2}, {3}}), 0);
  EXPECT_EQ(leader({{3}, {2}, {1}}), 2);
  EXPECT_EQ(leader({{9, 9, 0.1}, {2, 2, 3}}), 1);  // the mean, not the last
  EXPECT_EQ(leader({{1, 8}, {4, 4}, {3, 4}}), 2);
}

TEST(LsgdLeader, OfEqualOnesHasTheLowestRank) {
  EXPECT_EQ(leader({{1}, {1}, {1}}), 0);
  EXPECT_EQ(leader({{2}, {1}, {1}}), 1);
}

TEST(LsgdLeader, IsNeverOneWithoutALoss) {
  EXPECT_EQ(leader({{kNan}, {1}, {2}}), 1);
  EXPECT_EQ(leader({{1e30}, {kNan}, {kInfinity}}), 0);
  EXPECT_EQ(leader({{0, kNan}, {5, 5}}), 1);
  EXPECT_EQ(leader({{kNan}, {kNan}}), 0);
  EXPECT_EQ(leader({{kInfinity}, {kNan}, {3}}), 2);
}

// Only the losses since the last round count.
TEST(LsgdLeader, IsChosenAnewEveryRound) {
  run_ranks(2, [](Communicator& comm) {
    const auto lsgd =
        make_lsgd({.pull_push = {.pull = 1, .push = 0}, .period = {.base = 1}}, {.total_steps = 2});
    const double losses[2][2] = {{0, 5}, {9, 4}};  // by rank and step
    lsgd->join(comm, normals({4}, 0));
    for (int64_t step = 0; step < 2; ++step) {
      at::Tensor x = normals({4}, static_cast<uint64_t>(comm.rank()));
      lsgd->after_step({.step = step, .total_steps = 2, .loss = losses[comm.rank()][step]}, x);
      EXPECT_TRUE(x.equal(normals({4}, static_cast<uint64_t>(step))));  // rank 0, then rank 1
    }
  });
}

// Saved within a period: half of the losses are in the checkpoint.
TEST(LsgdCheckpoint, HoldsTheLossesSoFar) {
  run_ranks(2, [](Communicator& comm) {
    const LsgdOptions options = {.pull_push = {.pull = 1, .push = 0}, .period = {.base = 2}};
    const AlgorithmContext context = {.total_steps = 2};
    const double losses[2][2] = {{1, 3}, {5, 1}};  // by rank and step: rank 0 leads by the mean
    at::Tensor x = normals({4}, static_cast<uint64_t>(comm.rank()));
    const auto before = make_lsgd(options, context), after = make_lsgd(options, context);
    for (Algorithm* algorithm : {before.get(), after.get()}) algorithm->join(comm, x);
    before->after_step({.step = 0, .total_steps = 2, .loss = losses[comm.rank()][0]}, x);
    after->load_state(before->state());
    after->after_step({.step = 1, .total_steps = 2, .loss = losses[comm.rank()][1]}, x);
    EXPECT_TRUE(x.equal(normals({4}, 0)));

    // Another membership forgets them.
    before->join(comm, x, 1);
    x = normals({4}, static_cast<uint64_t>(comm.rank()));
    before->after_step({.step = 0, .total_steps = 2, .loss = losses[comm.rank()][1]}, x);
    before->after_step({.step = 1, .total_steps = 2, .loss = losses[comm.rank()][1]}, x);
    EXPECT_TRUE(x.equal(normals({4}, 1)));
  });
}

TEST(LsgdCheckpoint, OfAnotherAlgorithmIsRefused) {
  run_ranks(1, [](Communicator&) {
    const auto lsgd = make_lsgd({}, {});
    auto state = lsgd->state();
    const auto error = [&] {
      try {
        lsgd->load_state(state);
      } catch (const UsageError& error) {
        return std::string(error.what());
      }
      return std::string("no error");
    };
    EXPECT_EQ(error(), "no error");
    state.back().second = state.back().second.narrow(0, 0, 1);
    EXPECT_EQ(error(), "the checkpoint's entry losses is damaged");
    state.pop_back();
    EXPECT_EQ(error(), "the checkpoint is of another algorithm: it has no losses");
  });
}

}  // namespace
}  // namespace valley::lsgd_test
