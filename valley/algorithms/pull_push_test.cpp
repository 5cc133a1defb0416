#include "valley/algorithms/pull_push.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>

#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::pull_push_test {
namespace {

double length(const at::Tensor& x) {
  return x.to(at::kDouble).square().sum().sqrt().item<double>();
}
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

std::string error_of(const PullPushOptions& options) {
  try {
    PullPush pull_push(options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PullPushOptions, OutOfRangeNamesRuleAndValue) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(error_of({.pull = 0}), "pull must be in (0, 1], got 0");
  EXPECT_EQ(error_of({.pull = -0.1}), "pull must be in (0, 1], got -0.1");
  EXPECT_EQ(error_of({.pull = 1.5}), "pull must be in (0, 1], got 1.5");
  EXPECT_EQ(error_of({.pull = infinity}), "pull must be in (0, 1], got inf");
  EXPECT_EQ(error_of({.pull = nan}), "pull must be in (0, 1], got nan");
  EXPECT_EQ(error_of({.push = -1}), "push must be at least 0, got -1");
  EXPECT_EQ(error_of({.push = infinity}), "push must be at least 0, got inf");
  EXPECT_EQ(error_of({.push = nan}), "push must be at least 0, got nan");
  EXPECT_EQ(error_of({.pull = 1, .push = 0}), "no error");
  EXPECT_EQ(error_of({.pull = 1e-9, .push = 1e9}), "no error");
}

class PullPushRound : public testing::TestWithParam<std::string> {
 protected:
  // World sizes with a mean that rounds. Over sockets a round costs milliseconds: one world only.
  std::vector<int> worlds() const {
    return GetParam() == "thread" ? std::vector<int>{2, 3, 5, 6, 7} : std::vector<int>{3};
  }

  void run(int workers, const std::function<void(Communicator&)>& fn) const {
    run_ranks(workers, fn, GetParam());
  }

  // One round from the rows of X [M, d]; the rows after it.
  at::Tensor round(const at::Tensor& X, const PullPushOptions& options, double factor = 1,
                   RoundReport* report_of_first = nullptr) const {
    at::Tensor end = X.clone();
    run(static_cast<int>(X.size(0)), [&](Communicator& comm) {
      at::Tensor x = X[comm.rank()].clone();
      const RoundReport report = PullPush(options).round(x, comm, factor);
      if (report_of_first && comm.rank() == 0) *report_of_first = report;
      end[comm.rank()].copy_(x);
    });
    return end;
  }
};

TEST_P(PullPushRound, MovesByPullAndPushFromTheOldValues) {
  const at::Tensor X = at::tensor({3., 4., -3., -4.}, at::kDouble).view({2, 2}) + 1.;
  RoundReport report;
  const at::Tensor end = round(X, {.pull = 0.5, .push = 2}, 1, &report);
  // Distance 5 along (0.6, 0.8): half of it is pulled away, 2 pushed back.
  EXPECT_LT(largest(end - (at::tensor({2.7, 3.6, -2.7, -3.6}, at::kDouble).view({2, 2}) + 1.)),
            1e-14);
  EXPECT_NEAR(report.distance, 5, 1e-14);
  EXPECT_EQ(report.figure("pull"), 0.5);
  EXPECT_EQ(report.figure("push"), 2);
  EXPECT_EQ(report.figure("predicted_width"), 4);
}

TEST_P(PullPushRound, OneNormForTheWholeVectorInFloat32) {
  const int64_t d = 100'003;  // several chunks, and a rest
  for (int workers : worlds()) {
    const at::Tensor X = normals({workers, d}, 1, at::kFloat);
    const at::Tensor end = round(X, {.pull = 1, .push = 0.5});
    const at::Tensor mean = X.to(at::kDouble).mean(0);
    for (int m = 0; m < workers; ++m) {
      EXPECT_NEAR(length(end[m].to(at::kDouble) - mean), 0.5, 1e-4) << workers;
    }
  }
}

// The float mean of M equal numbers can be off by some ulps. That is no distance: a guard that
// looks for r > 0 would throw such workers by the whole push.
TEST_P(PullPushRound, WorkersThatCoincideAreNotPushed) {
  const auto expect_stays = [](Communicator& comm, const at::Tensor& row, PushVariant variant) {
    const double epsilon = row.scalar_type() == at::kFloat ? std::numeric_limits<float>::epsilon()
                                                           : std::numeric_limits<double>::epsilon();
    at::Tensor x = row.clone();
    PullPush pull_push({.pull = 0.1, .push = 0.5, .variant = variant});
    for (int k = 0; k < 5; ++k) pull_push.round(x, comm);
    EXPECT_LE(length(x - row), 5 * comm.size() * epsilon * length(row)) << comm.size();
  };
  for (int workers : worlds()) {
    run(workers, [&](Communicator& comm) {
      for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
        for (const at::Tensor& row :
             {at::full({1}, 0.9, dtype), at::full({1000}, 0.9, dtype), normals({1}, 2, dtype),
              normals({1000}, 3, dtype), 1e6 * normals({1000}, 4, dtype),
              1e-6 * normals({1000}, 5, dtype), at::zeros({10}, dtype)}) {
          expect_stays(comm, row, PushVariant::kSimple);
          expect_stays(comm, row, PushVariant::kExact);
        }
      }
    });
  }
}

TEST_P(PullPushRound, WorkersThatAreBarelyApartArePushed) {
  for (int workers : worlds()) {
    const at::Tensor X =
        normals({1, 50}, 6, at::kFloat) + 1e-4 * normals({workers, 50}, 7, at::kFloat);
    const at::Tensor end = round(X, {.pull = 0.1, .push = 0.5});
    for (int m = 0; m < workers; ++m) EXPECT_NEAR(length(end[m] - X[m]), 0.5, 0.01);
  }
}

TEST_P(PullPushRound, AWorkerOnTheAverageStaysThere) {
  const at::Tensor X =
      at::tensor({1., 2., 2., 0., 0., 0., -1., -2., -2.}, at::kDouble).view({3, 3}) + 5.;
  const at::Tensor end = round(X, {.pull = 0.5, .push = 1});
  EXPECT_TRUE(end[1].equal(X[1]));
  EXPECT_NEAR(length(end[0] - end[1]), 0.5 * 3 + 1, 1e-14);
  EXPECT_NEAR(length(end[2] - end[1]), 0.5 * 3 + 1, 1e-14);

  // The exact variant needs the directions of all, that of the still one being zero.
  EXPECT_LT(largest(round(X, {.pull = 0.5, .push = 1, .variant = PushVariant::kExact}) - end),
            1e-14);
}

TEST_P(PullPushRound, NothingIsNaN) {
  for (PushVariant variant : {PushVariant::kSimple, PushVariant::kExact}) {
    for (const at::Tensor& X :
         {at::zeros({3, 8}, at::kDouble), at::full({3, 8}, 1e-300, at::kDouble),
          at::full({3, 8}, 5e-324, at::kDouble), normals({3, 8}, 8) * 1e-300,
          normals({3, 8}, 8) * 1e150}) {
      for (bool relative : {false, true}) {
        const at::Tensor end =
            round(X, {.push = 0.5, .push_relative = relative, .variant = variant});
        EXPECT_TRUE(std::isfinite(end.sum().item<double>())) << X;
      }
    }
  }
}

TEST_P(PullPushRound, ARelativePushIsInUnitsOfTheAverage) {
  for (int workers : worlds()) {
    const at::Tensor X = normals({workers, 40}, 9);
    const double norm = length(X.mean(0));
    RoundReport report;
    const at::Tensor end = round(X, {.pull = 1, .push = 0.25, .push_relative = true}, 1, &report);
    EXPECT_NEAR(report.figure("push"), 0.25 * norm, 1e-14);
    EXPECT_NEAR(report.figure("predicted_width"), 0.25 * norm, 1e-14);
    for (int m = 0; m < workers; ++m) {
      EXPECT_NEAR(length(end[m] - X.mean(0)), 0.25 * norm, 1e-13);
    }
  }
  // Without a unit there is no push.
  const at::Tensor X = at::tensor({1., -1.}, at::kDouble).view({2, 1});
  EXPECT_TRUE(round(X, {.pull = 0.5, .push = 1, .push_relative = true}).equal(X * 0.5));
}

TEST_P(PullPushRound, TheFactorMultipliesThePush) {
  for (PushVariant variant : {PushVariant::kSimple, PushVariant::kExact}) {
    const at::Tensor X = normals({3, 40}, 10);
    RoundReport report;
    const at::Tensor half = round(X, {.push = 0.5, .variant = variant}, 0.5, &report);
    EXPECT_TRUE(half.equal(round(X, {.push = 0.25, .variant = variant})));
    EXPECT_EQ(report.figure("push"), 0.25);
    EXPECT_EQ(report.figure("predicted_width"), 2.5);
    EXPECT_TRUE(round(X, {.push = 0.5, .variant = variant}, 0).equal(round(X, {.push = 0})));
  }
}

TEST_P(PullPushRound, OneWorkerStaysPut) {
  for (PushVariant variant : {PushVariant::kSimple, PushVariant::kExact}) {
    const at::Tensor X = normals({1, 40}, 11, at::kFloat);
    RoundReport report;
    EXPECT_TRUE(round(X, {.pull = 0.1, .push = 0.5, .variant = variant}, 1, &report).equal(X));
    EXPECT_EQ(report.distance, 0);
    EXPECT_TRUE(round(X, {.pull = 1, .push = 0.5, .variant = variant}).equal(X));
  }
}

TEST_P(PullPushRound, OneObjectServesVectorsOfAnySizeAndDtype) {
  run(3, [](Communicator& comm) {
    PullPush pull_push({.pull = 1, .push = 0});
    for (int64_t d : {4, 9, 4}) {
      for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
        at::Tensor x = at::full({d}, 3. * comm.rank(), dtype);
        pull_push.round(x, comm);
        EXPECT_TRUE(x.equal(at::full({d}, 3, dtype)));
      }
    }
  });
}

TEST_P(PullPushRound, CostsOneVectorARoundAndTwoIfExact) {
  run(3, [](Communicator& comm) {
    at::Tensor x = normals({40}, static_cast<uint64_t>(comm.rank()));
    PullPush simple({}), exact({.variant = PushVariant::kExact});
    simple.round(x, comm);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).bytes, 40 * 8);
    exact.round(x, comm);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).bytes, 3 * 40 * 8);
    EXPECT_EQ(comm.total_bytes(), 3 * 40 * 8);
  });
}

INSTANTIATE_TEST_SUITE_P(, PullPushRound, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::pull_push_test
