#include "valley/algorithms/fewer_steps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "valley/algorithms/dppf.h"
#include "valley/algorithms/easgd.h"
#include "valley/algorithms/registry.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/run_ranks.h"

namespace valley::fewer_steps_test {
namespace {

using testing::ElementsAre;

// A worker whose local steps take so many seconds, and go rank + 1 along every axis of x [3].
struct Paced {
  Paced(const std::string& name, const MethodValues& values, double seconds, double least)
      : seconds(seconds),
        algorithm(make_algorithm(name, find_algorithm(name).with(values),
                                 {.total_steps = 100,
                                  .learning_rate = [](int64_t) { return 1.0; },
                                  .fewer_steps = least,
                                  .worked_seconds = [this] { return worked; }})) {}

  void join(Communicator& comm) { algorithm->join(comm, x); }

  void step(Communicator& comm, int64_t k) {
    const StepInfo info{.step = k, .total_steps = 100};
    at::Tensor g = at::zeros({3}, at::kDouble);
    if (!algorithm->rests()) {
      algorithm->local_step(info, x, g, [&] { x.add_(comm.rank() + 1); });
      worked += seconds;
      ++done;
    }
    algorithm->after_step(info, x);
    if (const auto& round = algorithm->last_round()) {
      rounds.push_back(*round);
      by_period.push_back(std::exchange(done, 0));
    }
  }

  double worked = 0, seconds;
  at::Tensor x = at::zeros({3}, at::kDouble);
  int done = 0;
  std::vector<int> by_period;
  std::vector<RoundReport> rounds;
  std::unique_ptr<Algorithm> algorithm;
};

using Seconds = std::vector<double>;

// What each worker does in its periods of 4 steps.
std::vector<std::vector<int>> steps_done(const Seconds& seconds, double least, int steps = 12) {
  std::vector<std::vector<int>> result(seconds.size());
  run_ranks(static_cast<int>(seconds.size()), [&](Communicator& comm) {
    const auto rank = static_cast<size_t>(comm.rank());
    Paced worker("local-sgd", {{"period", "4"}}, seconds[rank], least);
    worker.join(comm);
    for (int k = 0; k < steps; ++k) worker.step(comm, k);
    result[rank] = worker.by_period;
    for (size_t r = 0; r < worker.rounds.size(); ++r)
      EXPECT_EQ(worker.rounds[r].figure("local_steps"), worker.by_period[r]);
  });
  return result;
}

TEST(FewerSteps, ASlowWorkerDoesWhatFitsIntoTheTimeOfTheOthers) {
  EXPECT_THAT(steps_done({1, 2}, 0.1), ElementsAre(ElementsAre(4, 4, 4), ElementsAre(4, 2, 2)));
  // The lower median of their times is what counts: one fast worker hurries nobody.
  EXPECT_THAT(steps_done({1, 0.1, 1}, 0.1),
              ElementsAre(ElementsAre(4, 4, 4), ElementsAre(4, 4, 4), ElementsAre(4, 4, 4)));
  EXPECT_THAT(steps_done({4, 1, 1, 2}, 0.1),
              ElementsAre(ElementsAre(4, 1, 1), ElementsAre(4, 4, 4), ElementsAre(4, 4, 4),
                          ElementsAre(4, 2, 2)));
  // To the nearest whole step, so that a little slower is no slower.
  EXPECT_THAT(steps_done({1, 1.1}, 0.1), ElementsAre(ElementsAre(4, 4, 4), ElementsAre(4, 4, 4)));
}

TEST(FewerSteps, NotBelowTheLeastShareNorBelowOne) {
  EXPECT_THAT(steps_done({1, 100}, 0.75), ElementsAre(ElementsAre(4, 4, 4), ElementsAre(4, 3, 3)));
  EXPECT_THAT(steps_done({1, 100}, 0.01), ElementsAre(ElementsAre(4, 4, 4), ElementsAre(4, 1, 1)));
}

TEST(FewerSteps, AloneAWorkerDoesAll) {
  EXPECT_THAT(steps_done({3}, 0.1), ElementsAre(ElementsAre(4, 4, 4)));
}

// After 4 steps each, of 1, 2 and 3, the mean of 4, 8 and 12 is 8. Then the second does 2 only:
// they meet at 12, 12 and 20, of which the second counts for half.
TEST(FewerSteps, TheMeanCountsSteps) {
  const Seconds seconds = {1, 2, 1};
  run_ranks(3, [&](Communicator& comm) {
    Paced worker("local-sgd", {{"period", "4"}}, seconds[static_cast<size_t>(comm.rank())], 0.1);
    worker.join(comm);
    for (int k = 0; k < 4; ++k) worker.step(comm, k);
    EXPECT_TRUE(at::allclose(worker.x, at::full({3}, 8.0, at::kDouble)));
    for (int k = 4; k < 8; ++k) worker.step(comm, k);
    const double mean = (4 * 12.0 + 2 * 12.0 + 4 * 20.0) / 10;
    EXPECT_TRUE(at::allclose(worker.x, at::full({3}, mean, at::kDouble)));
    const double own = comm.rank() == 2 ? 20 : 12;
    EXPECT_NEAR(worker.rounds.back().distance, std::sqrt(3.0) * std::abs(own - mean), 1e-12);
  });
}

TEST(FewerSteps, DppfIsPulledToThatMeanAndPushedAwayFromIt) {
  run_ranks(2, [&](Communicator& comm) {
    Paced worker("dppf", {{"period", "4"}, {"pull", 0.25}, {"push", 0.5}}, comm.rank() + 1, 0.1);
    worker.join(comm);
    for (int k = 0; k < 7; ++k) worker.step(comm, k);
    double x[2];
    const at::Tensor all = comm.all_gather(worker.x);
    for (int m = 0; m < 2; ++m) x[m] = all[m][0].item<double>();
    x[0] += 1;  // its last step; the other rests
    worker.step(comm, 7);
    const double mean = (4 * x[0] + 2 * x[1]) / 6, own = x[comm.rank()];
    const double expected =
        own + 0.25 * (mean - own) + 0.5 * (own > mean ? 1 : -1) / std::sqrt(3.0);
    EXPECT_NEAR(worker.x[0].item<double>(), expected, 1e-12);
  });
}

TEST(FewerSteps, OfEqualWorkersTheMeanIsThatOfAllToTheBit) {
  for (const char* name : {"local-sgd", "slowmo", "diloco", "dppf", "easgd"}) {
    run_ranks(3, [&](Communicator& comm) {
      Paced plain(name, {{"period", "4"}}, 1, 0), weighed(name, {{"period", "4"}}, 1, 0.1);
      for (Paced* worker : {&plain, &weighed}) {
        worker->join(comm);
        for (int k = 0; k < 10; ++k) worker->step(comm, k);
      }
      EXPECT_TRUE(at::equal(plain.x, weighed.x)) << name;
      EXPECT_EQ(plain.rounds.size(), weighed.rounds.size());
    });
  }
}

// What is to be done in a period that is under way is in the checkpoint; what is measured is not.
TEST(FewerSteps, AResumedPeriodIsTheSame) {
  for (const int at : {4, 5, 7}) {
    run_ranks(2, [&](Communicator& comm) {
      Paced whole("dppf", {{"period", "4"}}, comm.rank() + 1, 0.1);
      whole.join(comm);
      for (int k = 0; k < at; ++k) whole.step(comm, k);
      Paced resumed("dppf", {{"period", "4"}}, comm.rank() + 1, 0.1);
      resumed.worked = 1e6;  // another process
      resumed.x.copy_(whole.x);
      resumed.join(comm);
      resumed.algorithm->load_state(whole.algorithm->state());
      for (int k = at; k < 16; ++k) {
        whole.step(comm, k);
        resumed.step(comm, k);
      }
      EXPECT_TRUE(at::equal(whole.x, resumed.x)) << at;
    });
  }
}

TEST(FewerSteps, WhereTheMeanHasNoWeightsItIsRefused) {
  const auto error = [](const std::string& name, const MethodValues& values) {
    return error_of<UsageError>([&] {
      make_algorithm(name, find_algorithm(name).with(values),
                     {.learning_rate = [](int64_t) { return 1.0; },
                      .fewer_steps = 0.5,
                      .worked_seconds = [] { return 0.0; }});
    });
  };
  for (const AlgorithmEntry& entry : algorithms()) {
    if (entry.weighs) continue;
    EXPECT_EQ(error(entry.name, {}),
              "fewer-steps counts the workers by their steps, which has a meaning in the means of "
              "local-sgd, slowmo, diloco, dppf, easgd, not of " +
                  entry.name);
  }
  const std::string begin = "fewer-steps sends all of a worker as it is, in a plain round: ";
  EXPECT_EQ(error("dppf", {{"delay", int64_t{1}}}), begin + "delay 0");
  EXPECT_EQ(error("dppf", {{"fragments", int64_t{2}}}), begin + "fragments 1");
  EXPECT_EQ(error("dppf", {{"wire", "bf16"}}), begin + "wire none");
  EXPECT_EQ(error("dppf", {{"compress-rounds", "int8"}}), begin + "compress-rounds none");
  EXPECT_EQ(error("dppf", {{"push-variant", "exact"}}), begin + "push-variant simple");
  EXPECT_EQ(error("local-sgd", {{"hierarchy", "inner:2,outer:4"}}), begin + "hierarchy none");
}

TEST(FewerSteps, ALoopThatLeavesNoStepsOutIsRefused) {
  EXPECT_EQ(error_of<UsageError>([] { make_algorithm("dppf", {}, {.fewer_steps = 0.5}); }),
            "fewer-steps needs a training loop that leaves steps out "
            "(AlgorithmContext::worked_seconds)");
}

}  // namespace
}  // namespace valley::fewer_steps_test
