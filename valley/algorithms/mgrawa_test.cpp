#include "valley/algorithms/mgrawa.h"

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

namespace valley::mgrawa_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

using Norms = std::vector<std::vector<double>>;  // [round][worker]

// As many rounds from the rows of X [M, d] as there are norms, back at X before each; the rows
// after the last.
at::Tensor last_round(const at::Tensor& X, const PullPushOptions& options, const Norms& norms,
                      const std::string& backend = "thread") {
  at::Tensor end = X.clone();
  run_ranks(
      static_cast<int>(X.size(0)),
      [&](Communicator& comm) {
        size_t asked = 0;
        const auto rounds = static_cast<int64_t>(norms.size());
        const auto mgrawa = make_mgrawa(
            {.pull_push = options, .period = {.base = 1}},
            {.total_steps = rounds, .layer_gradient_norms = [&] {
               const double norm = norms[asked++][comm.rank()];
               return std::vector<double>{norm / 4, norm / 2, norm / 4};  // three layers
             }});
        at::Tensor x;
        mgrawa->join(comm, X[comm.rank()]);
        for (int64_t step = 0; step < rounds; ++step) {
          x = X[comm.rank()].clone();
          mgrawa->after_step({.step = step, .total_steps = rounds}, x);
        }
        EXPECT_EQ(asked, norms.size());
        end[comm.rank()].copy_(x);
      },
      backend);
  return end;
}

// x_C: with pull 1 and no push all end there.
at::Tensor consensus(const at::Tensor& X, const Norms& norms) {
  const at::Tensor end = last_round(X, {.pull = 1, .push = 0}, norms);
  for (int64_t m = 1; m < X.size(0); ++m) EXPECT_TRUE(end[m].equal(end[0]));
  return end[0];
}

class Mgrawa : public testing::TestWithParam<std::string> {};

// A13.
TEST_P(Mgrawa, NormsOneAndThreeWeighThreeQuartersAndOneQuarter) {
  const at::Tensor X = normals({2, 20}, 1);
  for (const double unit : {1.0, 1e-6, 1e6}) {
    const at::Tensor end = last_round(X, {.pull = 0.5, .push = 0}, {{unit, 3 * unit}}, GetParam());
    const at::Tensor center = 0.75 * X[0] + 0.25 * X[1];
    EXPECT_LT(largest(end - (X + 0.5 * (center - X))), 1e-14);
  }
}

TEST_P(Mgrawa, EqualNormsGiveTheAverage) {
  const at::Tensor X = normals({3, 20}, 2);
  const at::Tensor end = last_round(X, {.pull = 0.2, .push = 0}, {{0.7, 0.7, 0.7}}, GetParam());
  EXPECT_LT(largest(end - (X + 0.2 * (X.mean(0) - X))), 1e-14);
}

TEST_P(Mgrawa, WithoutPushItIsItsBaseBitForBit) {
  const at::Tensor X = normals({3, 20}, 3);
  const std::vector<double> norms = {0.5, 2, 4};
  const at::Tensor end = last_round(X, {.pull = 0.2, .push = 0}, {norms}, GetParam());
  run_ranks(
      3,
      [&](Communicator& comm) {
        // G / (1 - b) after the first round, with the rounding of that.
        const double weight = 1 / ((1 - 0.43) * norms[comm.rank()] / (1 - std::pow(0.43, 1)));
        at::Tensor sent = at::empty({21}, at::kDouble);
        sent.narrow(0, 0, 20).copy_(X[comm.rank()] * weight);
        sent.narrow(0, 20, 1).fill_(weight);
        comm.all_reduce_sum(sent, sent);
        const at::Tensor center = sent.narrow(0, 0, 20) / sent[20];
        const at::Tensor expected = X[comm.rank()] + 0.2 * (center - X[comm.rank()]);
        EXPECT_TRUE(end[comm.rank()].equal(expected));
      },
      GetParam());
}

INSTANTIATE_TEST_SUITE_P(, Mgrawa, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

TEST(MgrawaWeights, AZeroNormTakesAllTheWeight) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::Tensor X = normals({3, 20}, 4).to(dtype);
    const double tolerance = dtype == at::kFloat ? 1e-5 : 1e-10;
    EXPECT_LT(largest(consensus(X, {{1, 0, 2}}) - X[1]), tolerance);
    EXPECT_LT(largest(consensus(X, {{0, 0, 0}}) - X.mean(0)), tolerance);
    EXPECT_LT(largest(consensus(X, {{0, 1, 0}}) - (X[0] + X[2]) / 2), tolerance);
  }
}

TEST(MgrawaWeights, ANormThatIsNoNumberTakesNone) {
  const at::Tensor X = normals({3, 20}, 5);
  for (const double bad : {kNan, kInfinity}) {
    EXPECT_LT(largest(consensus(X, {{1, bad, 1}}) - (X[0] + X[2]) / 2), 1e-10);
    EXPECT_LT(largest(consensus(X, {{bad, bad, bad}}) - X.mean(0)), 1e-10);
  }
}

// Worker 0's norms are 1 then 3, worker 1's are 2: after two rounds
// G_0 = (0.57 (0.43 * 1 + 3)) / (1 - 0.43^2), and the first round is as without smoothing.
TEST(MgrawaWeights, AreSmoothedOverTheRoundsAndUnbiased) {
  const at::Tensor X = normals({2, 20}, 6);
  const double g = 0.57 * (0.43 * 1 + 3) / (1 - 0.43 * 0.43);
  const double w = (1 / g) / (1 / g + 1.0 / 2);
  EXPECT_LT(largest(consensus(X, {{1, 2}, {3, 2}}) - (w * X[0] + (1 - w) * X[1])), 1e-14);
  EXPECT_LT(largest(consensus(X, {{1, 2}}) - (2 * X[0] + X[1]) / 3), 1e-14);
  // Steady norms weigh what they weigh from the first round on.
  EXPECT_LT(largest(consensus(X, {{1, 2}, {1, 2}, {1, 2}}) - (2 * X[0] + X[1]) / 3), 1e-14);
}

TEST(MgrawaCheckpoint, HoldsTheSmoothedNorm) {
  run_ranks(2, [](Communicator& comm) {
    double norm = 1 + comm.rank();
    const GrawaOptions options = {.pull_push = {.pull = 1, .push = 0}, .period = {.base = 1}};
    const AlgorithmContext context = {.total_steps = 2,
                                      .layer_gradient_norms = [&] { return std::vector{norm}; }};
    const at::Tensor start = normals({4}, static_cast<uint64_t>(comm.rank()));
    const auto whole = make_mgrawa(options, context), after = make_mgrawa(options, context),
               fresh = make_mgrawa(options, context);
    at::Tensor x = start.clone();
    for (Algorithm* algorithm : {whole.get(), after.get(), fresh.get()}) algorithm->join(comm, x);
    whole->after_step({.step = 0, .total_steps = 2}, x);
    after->load_state(whole->state());
    fresh->load_state(whole->state());
    fresh->join(comm, start, 1);  // forgets it
    norm = 3 - norm;
    std::vector<at::Tensor> ends;
    for (Algorithm* algorithm : {whole.get(), after.get(), fresh.get()}) {
      x = start.clone();
      algorithm->after_step({.step = 1, .total_steps = 2}, x);
      ends.push_back(x);
    }
    EXPECT_TRUE(ends[1].equal(ends[0]));
    EXPECT_GT(largest(ends[2] - ends[0]), 1e-3);
  });
}

TEST(MgrawaCheckpoint, OfAnotherAlgorithmIsRefused) {
  run_ranks(1, [](Communicator&) {
    const auto mgrawa =
        make_mgrawa({}, {.layer_gradient_norms = [] { return std::vector<double>{1}; }});
    auto state = mgrawa->state();
    const auto error = [&] {
      try {
        mgrawa->load_state(state);
      } catch (const UsageError& error) {
        return std::string(error.what());
      }
      return std::string("no error");
    };
    EXPECT_EQ(error(), "no error");
    state.back().second = state.back().second.to(at::kLong);
    EXPECT_EQ(error(), "the checkpoint's entry norms is damaged");
    state.pop_back();
    EXPECT_EQ(error(), "the checkpoint is of another algorithm: it has no norms");
  });
}

TEST(MgrawaContext, WithoutNormsIsRefused) {
  run_ranks(1, [](Communicator&) {
    try {
      make_mgrawa({}, {});
      ADD_FAILURE() << "no error";
    } catch (const UsageError& error) {
      EXPECT_STREQ(error.what(),
                   "mgrawa needs a training loop that computes the norms of the layers' gradients "
                   "(AlgorithmContext::layer_gradient_norms)");
    }
  });
}

}  // namespace
}  // namespace valley::mgrawa_test
