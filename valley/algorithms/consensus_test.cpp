// What dppf, lsgd and mgrawa share, whatever draws their workers: the push, and so where the
// workers end up around their average.

#include "valley/algorithms/consensus.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include "valley/algorithms/registry.h"
#include "valley/algorithms/shared_settings.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::consensus_test {
namespace {

const char* const kVariants[] = {"dppf", "lsgd", "mgrawa"};

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }
at::Tensor around_mean(const at::Tensor& X) { return X - X.mean(0); }

// `rounds` rounds from the rows of X [M, d] without gradients; worker 1 leads, and worker m's
// gradient norm is 1 + m. The rows after them.
at::Tensor run_rounds(const std::string& variant, const at::Tensor& X, const MethodValues& options,
                      int64_t rounds = 1, const std::string& backend = "thread",
                      std::vector<RoundReport>* reports = nullptr) {
  at::Tensor end = X.clone();
  if (reports) reports->resize(static_cast<size_t>(X.size(0)));
  run_ranks(
      static_cast<int>(X.size(0)),
      [&](Communicator& comm) {
        const auto algorithm = make_algorithm(variant, find_algorithm(variant).with(options),
                                              {.total_steps = rounds, .layer_gradient_norms = [&] {
                                                 return std::vector<double>{1.0 + comm.rank()};
                                               }});
        at::Tensor x = X[comm.rank()].clone();
        algorithm->join(comm, x);
        for (int64_t step = 0; step < rounds; ++step) {
          const double loss = comm.rank() == 1 ? 0.5 : 1;
          algorithm->after_step({.step = step, .total_steps = rounds, .loss = loss}, x);
        }
        end[comm.rank()].copy_(x);
        if (reports) (*reports)[comm.rank()] = algorithm->last_round().value();
      },
      backend);
  return end;
}

MethodValues options_of(const PullPushOptions& o, PushShape shape = PushShape::kConstant) {
  return {{"period", "1"},
          {"pull", o.pull},
          {"push", o.push},
          {"push-relative", o.push_relative},
          {"push-schedule", kPushShapes.spell(shape)}};
}

class ConsensusVariant : public testing::TestWithParam<std::string> {};

// Displacement with push less that without: lambda u_m, from the average before the round.
TEST_P(ConsensusVariant, ThePushIsTheSameInAll) {
  const at::Tensor X = normals({3, 30}, 1);
  const at::Tensor D = around_mean(X);
  const at::Tensor u = D / D.square().sum(1, true).sqrt();
  for (const bool relative : {false, true}) {
    const double lambda = relative ? 0.7 * X.mean(0).norm().item<double>() : 0.7;
    for (const char* variant : kVariants) {
      const at::Tensor with =
          run_rounds(variant, X, options_of({.pull = 0.4, .push = 0.7, .push_relative = relative}),
                     1, GetParam());
      const at::Tensor without =
          run_rounds(variant, X, options_of({.pull = 0.4, .push = 0}), 1, GetParam());
      EXPECT_LT(largest(with - without - lambda * u), 1e-14) << variant;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, ConsensusVariant, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

// A7: x_C moves all alike, so the places around the average do not depend on it.
TEST(ConsensusVariants, PlacesAroundTheAverageDoNotDependOnTheConsensus) {
  const at::Tensor X = normals({4, 30}, 2);
  for (const int64_t rounds : {1, 10}) {
    const MethodValues options = options_of({.pull = 0.1, .push = 0.5});
    const at::Tensor expected = run_rounds("dppf", X, options, rounds);
    for (const char* variant : {"lsgd", "mgrawa"}) {
      const at::Tensor end = run_rounds(variant, X, options, rounds);
      EXPECT_LT(largest(around_mean(end) - around_mean(expected)), 1e-13) << variant;
      EXPECT_GT(largest(end - expected), 0.01) << variant;
    }
  }
}

TEST(ConsensusVariants, DistancesSettleAtLambdaOverAlpha) {
  const at::Tensor X = normals({3, 30}, 3);
  for (const char* variant : kVariants) {
    std::vector<RoundReport> reports;
    run_rounds(variant, X, options_of({.pull = 0.1, .push = 0.5}), 300, "thread", &reports);
    for (const RoundReport& report : reports) {
      EXPECT_NEAR(report.distance, 5, 1e-3) << variant;
      EXPECT_DOUBLE_EQ(report.figure("predicted_width"), 5) << variant;
    }
  }
}

TEST(ConsensusVariants, ThePushFollowsTheSchedule) {
  const at::Tensor X = normals({3, 30}, 4);
  for (const char* variant : kVariants) {
    std::vector<RoundReport> reports;
    run_rounds(variant, X, options_of({.pull = 0.1, .push = 0.5}, PushShape::kLinearDecreasing), 8,
               "thread", &reports);
    EXPECT_EQ(reports[0].figure("push"), 0) << variant;
    run_rounds(variant, X, options_of({.pull = 0.1, .push = 0.5}, PushShape::kIncreasing), 8,
               "thread", &reports);
    EXPECT_DOUBLE_EQ(reports[0].figure("push"), 0.5) << variant;
  }
}

TEST(ConsensusVariants, EqualWorkersStayPut) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (const int64_t workers : {2, 3, 5}) {  // with means that round
      const at::Tensor X = normals({1, 30}, 5).expand({workers, 30}).to(dtype).contiguous();
      for (const char* variant : kVariants) {
        const at::Tensor end = run_rounds(variant, X, options_of({.pull = 0.5, .push = 0.5}));
        EXPECT_LT(largest(end - X), dtype == at::kFloat ? 2e-6 : 4e-15) << variant;
      }
    }
  }
}

// Without a push nobody knows the average.
TEST(ConsensusVariants, TheReportedDistanceIsFromTheAverageAndWithoutPushFromTheConsensus) {
  const at::Tensor X = normals({3, 30}, 6);
  std::vector<RoundReport> reports;
  for (const char* variant : {"lsgd", "mgrawa"}) {
    run_rounds(variant, X, options_of({.pull = 0.1, .push = 0.5}), 1, "thread", &reports);
    for (int64_t m = 0; m < 3; ++m) {
      EXPECT_NEAR(reports[m].distance, (X[m] - X.mean(0)).norm().item<double>(), 1e-13);
    }
    run_rounds(variant, X, options_of({.pull = 0.1, .push = 0}), 1, "thread", &reports);
    const at::Tensor center =
        std::string(variant) == "lsgd" ? X[1] : (6 * X[0] + 3 * X[1] + 2 * X[2]) / 11;
    for (int64_t m = 0; m < 3; ++m) {
      EXPECT_NEAR(reports[m].distance, (X[m] - center).norm().item<double>(), 1e-13) << variant;
      EXPECT_EQ(reports[m].figure("predicted_width"), 0);
    }
  }
}

}  // namespace
}  // namespace valley::consensus_test
