#include "valley/train/keepsake.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "valley/testing/run_ranks.h"

namespace valley::keepsake_test {
namespace {

using Phase = valley::Keepsake::Phase;

WorkerState at_step(int64_t step, double x) {
  return {.tensors = {{"x", at::full({5}, x)}, {"generator", at::full({1}, x)}},
          .values = Json{{"step", step}}.dump()};
}

double x_of(const Keepsake& keepsake) {
  return keepsake.standing()->tensors.front().tensor[0].item<double>();
}

// What every worker comes to from what it keeps.
std::vector<int> settle_all(std::vector<Keepsake>& keepsakes) {
  std::vector<std::string> words;
  for (const Keepsake& keepsake : keepsakes) words.push_back(keepsake.word());
  std::vector<int> leaders(keepsakes.size());
  run_ranks(static_cast<int>(keepsakes.size()), [&](Communicator& comm) {
    const auto rank = static_cast<size_t>(comm.rank());
    leaders[rank] = settle(keepsakes[rank], comm, words);
  });
  return leaders;
}

// Four workers took section 7 after step 20 together; section 8 is that after step 28.
void stand(Keepsake& keepsake, Phase phase, double x) {
  keepsake.sections = 7;
  keepsake.step = 20;
  keepsake.workers = 4;
  keepsake.phase = phase;
  if (phase == Phase::kCommitted) {
    keepsake.after = at_step(20, x);
  } else {
    keepsake.before = at_step(27, x);
    if (phase == Phase::kDone) keepsake.after = at_step(28, x + 0.5);
  }
}

TEST(Settle, NobodyHasPassedSoAllGoBack) {
  std::vector<Keepsake> workers(2);
  stand(workers[0], Phase::kOpen, 1);
  stand(workers[1], Phase::kDone, 2);
  EXPECT_EQ(settle_all(workers), (std::vector<int>{0, 0}));
  for (const Keepsake& worker : workers) {
    EXPECT_EQ(worker.sections, 7);
    EXPECT_EQ(worker.phase, Phase::kOpen);
    EXPECT_EQ(worker.step, 20);
    EXPECT_EQ(worker.workers, 2);
    EXPECT_EQ(worker.deal.from_step, 20);
    EXPECT_EQ(worker.deal.taken, 80);
  }
  EXPECT_EQ(x_of(workers[0]), 1);
  EXPECT_EQ(x_of(workers[1]), 2);
}

TEST(Settle, OneHasPassedSoAllWhoHadComeToItDo) {
  std::vector<Keepsake> workers(2);
  stand(workers[0], Phase::kDone, 1);
  stand(workers[1], Phase::kCommitted, 2);
  workers[1].sections = 8;
  workers[1].step = 28;
  settle_all(workers);
  for (const Keepsake& worker : workers) {
    EXPECT_EQ(worker.sections, 8);
    EXPECT_EQ(worker.phase, Phase::kCommitted);
    EXPECT_EQ(worker.step, 28);
    EXPECT_EQ(worker.deal.taken, 112);
  }
  EXPECT_EQ(x_of(workers[0]), 1.5);
  EXPECT_EQ(x_of(workers[1]), 2);
}

// It has passed, and is in the next one already.
TEST(Settle, WhoIsAheadGoesBackToItsOwnNextSection) {
  std::vector<Keepsake> workers(2);
  stand(workers[0], Phase::kDone, 1);
  stand(workers[1], Phase::kOpen, 2);
  workers[1].sections = 8;
  workers[1].step = 28;
  settle_all(workers);
  EXPECT_EQ(workers[0].phase, Phase::kCommitted);
  EXPECT_EQ(workers[1].phase, Phase::kOpen);
  EXPECT_EQ(workers[0].sections, 8);
  EXPECT_EQ(x_of(workers[0]), 1.5);
}

TEST(Settle, ANewcomerStandsWhereTheFirstOfTheOthersDoes) {
  for (const Phase phase : {Phase::kCommitted, Phase::kOpen}) {
    std::vector<Keepsake> workers(3);
    workers[1].loss = 0.25;
    stand(workers[1], phase, 1);
    stand(workers[2], phase, 2);
    EXPECT_EQ(settle_all(workers), (std::vector<int>{1, 1, 1}));
    const Keepsake& newcomer = workers[0];
    EXPECT_EQ(newcomer.phase, phase);
    EXPECT_EQ(newcomer.sections, 7);
    EXPECT_EQ(newcomer.loss, 0.25);
    EXPECT_EQ(newcomer.standing()->values, workers[1].standing()->values);
    EXPECT_EQ(x_of(newcomer), 1);
    EXPECT_EQ(x_of(workers[2]), 2);
    EXPECT_EQ(newcomer.standing()->tensors.size(), 1u);  // it draws its own random numbers
    EXPECT_EQ(newcomer.deal.taken, 80);
    EXPECT_EQ(newcomer.workers, 3);
  }
}

TEST(Settle, AllAreNew) {
  std::vector<Keepsake> workers(2);
  EXPECT_EQ(settle_all(workers), (std::vector<int>{-1, -1}));
  EXPECT_EQ(workers[0].standing(), nullptr);
  EXPECT_EQ(workers[1].workers, 2);
}

}  // namespace
}  // namespace valley::keepsake_test
