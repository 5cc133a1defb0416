// A worker is lost within a round: the round takes place for all that are left, or for none.
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "valley/comm/forwarding_communicator.h"
#include "valley/core/error.h"
#include "valley/testing/run_ranks.h"
#include "valley/train/keepsake.h"
#include "valley/train/observer.h"
#include "valley/train/testing/small_training.h"

namespace valley::round_commit_test {
namespace {

constexpr int kWorkers = 3, kVictim = 1;

// Where worker 1 is lost, and what has come to the others by then.
enum class Lost {
  kNever,
  kInReduceScatter,  // sums are written in part; nobody has all
  kInAllGather,      // worker 0 has all and applies it; worker 2 has a part
  kBeforeCommit,     // both have all and apply it; neither hears from the others that they have
  kInCommit,         // worker 0 hears that all have it; worker 2 does not
};

struct Died {};

// The all-reduce of the first round, and what the workers meet for after it, by plan.
struct Plan {
  Lost lost = Lost::kNever;
  int commit = 1;  // the first, in which the round is, or a later one
};

// The all-reduce of the first round, and what the workers meet for after it, by plan.
class Planned : public ForwardingCommunicator {
 public:
  Planned(std::unique_ptr<Communicator>& inner, Plan plan) : Planned(inner.get(), inner, plan) {}
  ~Planned() override { finish_started(); }

 private:
  Planned(Communicator* raw, std::unique_ptr<Communicator>& inner, Plan plan)
      : ForwardingCommunicator(std::move(inner)), raw_(raw), plan_(plan) {}

  // This worker ends, or hears that another has.
  [[noreturn]] void die() {
    if (rank() == kVictim) throw Died();
    throw CommError("rank 1 is lost, by plan");
  }

  template <typename Reduce>
  void round(at::Tensor& sum, const Reduce& reduce) {
    const Lost lost = std::exchange(rounds_, rounds_ + 1) == 0 ? plan_.lost : Lost::kNever;
    if (lost != Lost::kInReduceScatter) reduce();
    if (lost == Lost::kInReduceScatter || (lost == Lost::kInAllGather && rank() != 0)) {
      sum.narrow(0, 0, sum.numel() / 2).fill_(std::numeric_limits<double>::quiet_NaN());
      die();
    }
  }

  SquaredNorms do_all_reduce_sum_norms(Call&, const at::Tensor& x, at::Tensor& sum) override {
    SquaredNorms norms;
    round(sum, [&] { norms = raw_->all_reduce_sum_norms(x, sum); });
    return norms;
  }

  // As the processes of an elastic run do it: x moves when the sum is there.
  SquaredNorms do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                  const WeightOfNorms& weight) override {
    return Communicator::do_all_reduce_lerp(call, x, room, weight);
  }

  void do_all_reduce_sum(Call&, const at::Tensor& in, at::Tensor& out) override {
    if (in.numel() > 1) return round(out, [&] { raw_->all_reduce_sum(in, out); });
    const bool due = ++commits_ == plan_.commit;
    if (due && plan_.lost == Lost::kBeforeCommit) die();
    raw_->all_reduce_sum(in, out);
    if (due && plan_.lost == Lost::kInCommit && rank() != 0) die();
  }

  void pass_on(Call&, const std::function<void()>& operation) override { operation(); }
  std::unique_ptr<Communicator> wrap(std::unique_ptr<Communicator> part) const override {
    return part;
  }

  Communicator* const raw_;  // the other one
  const Plan plan_;
  int rounds_ = 0, commits_ = 0;
};

// Every worker's weights after every step.
struct Seen : Observer {
  void step(const RunMoment& moment, const at::Tensor& x) override {
    after[moment.clock.step] = x.clone();
  }
  void round(const RunMoment& moment, const RoundReport&) override {
    rounds.push_back(moment.clock.step);
  }
  std::map<int64_t, at::Tensor> after;
  std::vector<int64_t> rounds;  // the steps in which they were applied
};

using Method = std::pair<std::string, MethodValues>;

TrainOptions options_of(const Method& method, const std::string& period) {
  TrainOptions options = small_options(method.first);
  MethodValues values = method.second;
  values.emplace_back("period", period);
  options.algorithm_options = find_algorithm(method.first).with(values);
  options.evaluate_every = 0;
  return options;
}

struct Group {
  std::vector<std::shared_ptr<Keepsake>> keepsakes;
  std::vector<Seen> seen;
};

// Until the plan ends it.
void train(Group& group, const TrainOptions& base, const std::string& backend, Plan plan = {}) {
  run_ranks(
      static_cast<int>(group.keepsakes.size()),
      [&](Communicator& comm) {
        const auto rank = static_cast<size_t>(comm.rank());
        Keepsake& keepsake = *group.keepsakes[rank];
        TrainOptions options = base;
        options.keepsake = &keepsake;
        const auto model = small_model(SmallModel::kPlain, 3);
        Trainer trainer(comm, *model, small_data(kSmallExamples * kWorkers), options);
        trainer.add_observer(group.seen[rank]);
        try {
          trainer.run();
          EXPECT_EQ(plan.lost, Lost::kNever);
        } catch (const Died&) {
        } catch (const CommError&) {
          EXPECT_NE(plan.lost, Lost::kNever);
        }
      },
      backend, 30,
      [plan](std::unique_ptr<Communicator> inner) -> std::unique_ptr<Communicator> {
        return std::make_unique<Planned>(inner, plan);
      });
}

Group new_group(int workers) {
  Group group;
  group.seen = std::vector<Seen>(static_cast<size_t>(workers));
  for (int m = 0; m < workers; ++m) {
    group.keepsakes.push_back(std::make_shared<Keepsake>());
    group.keepsakes.back()->full_workers = kWorkers;
  }
  return group;
}

// The workers of a run left alone; `period` 100: without rounds.
std::vector<Seen> undisturbed(const Method& method, const std::string& period,
                              const std::string& backend) {
  Group group = new_group(kWorkers);
  train(group, options_of(method, period), backend);
  return std::move(group.seen);
}

at::Tensor x_of(const Keepsake& keepsake) {
  for (const auto& [name, tensor] : keepsake.standing()->tensors)
    if (name == "x") return tensor;
  return {};
}

int64_t step_of(const Keepsake& keepsake) {
  return Json::parse(keepsake.standing()->values).at("step");
}

// Workers 0 and 2 gather anew, each where it stands.
Group left_of(const Group& group) {
  Group left;
  left.seen = std::vector<Seen>(2);
  std::vector<std::string> words;
  for (const size_t m : {0u, 2u}) {
    left.keepsakes.push_back(group.keepsakes[m]);
    words.push_back(group.keepsakes[m]->word());
  }
  run_ranks(2, [&](Communicator& comm) {
    EXPECT_EQ(settle(*left.keepsakes[static_cast<size_t>(comm.rank())], comm, words), 0);
  });
  return left;
}

class LostInARound : public testing::TestWithParam<std::string> {};

// A round of period 4, applied in step `applied`.
void expect_for_all_or_none(const Method& method, const std::string& backend, int64_t applied) {
  const auto none = undisturbed(method, "100", backend), whole = undisturbed(method, "4", backend);
  for (const Lost lost :
       {Lost::kInReduceScatter, Lost::kInAllGather, Lost::kBeforeCommit, Lost::kInCommit}) {
    SCOPED_TRACE(method.first + ", lost " + std::to_string(int(lost)));
    const bool committed = lost == Lost::kInCommit;
    Group group = new_group(kWorkers);
    train(group, options_of(method, "4"), backend, {lost});

    // Whoever had applied the round has shown it.
    const Seen &first = group.seen[0], &second = group.seen[2];
    EXPECT_EQ(first.after.contains(applied), lost != Lost::kInReduceScatter);
    EXPECT_EQ(second.after.contains(applied), committed || lost == Lost::kBeforeCommit);
    for (const size_t m : {0u, 2u}) {
      const auto there = group.seen[m].after.find(applied);
      if (there == group.seen[m].after.end()) continue;
      EXPECT_TRUE(at::equal(there->second, whole[m].after.at(applied)));
    }

    Group left = left_of(group);
    for (const size_t m : {0u, 1u}) {
      const Keepsake& keepsake = *left.keepsakes[m];
      EXPECT_EQ(keepsake.sections, committed ? 1 : 0);
      // Worker 0, which knew that it was committed, has gone on to the end of the epoch.
      const int64_t step = committed && m == 0 ? 6 : applied;
      EXPECT_TRUE(at::equal(x_of(keepsake), (committed ? whole : none)[2 * m].after.at(step))) << m;
    }
    // They go on, with the round that is still to be done, to the end.
    train(left, options_of(method, "4"), backend);
    for (const size_t m : {0u, 1u}) {
      EXPECT_EQ(left.seen[m].after.begin()->first,
                committed ? (m == 0 ? 6 : applied + 1) : applied);
      EXPECT_EQ(left.seen[m].after.rbegin()->first, 20);
    }
  }
}

TEST_P(LostInARound, TheRoundIsForAllThatAreLeftOrForNone) {
  expect_for_all_or_none({"dppf", {{"pull", 0.3}, {"push", 0.2}}}, GetParam(), 4);
  expect_for_all_or_none({"slowmo", {}}, GetParam(), 4);
  expect_for_all_or_none({"easgd", {}}, GetParam(), 4);
}

TEST_P(LostInARound, ADelayedRoundIsForAllOrDropped) {
  expect_for_all_or_none({"dppf", {{"pull", 0.3}, {"delay", int64_t{1}}}}, GetParam(), 5);
  expect_for_all_or_none({"slowmo", {{"delay", int64_t{1}}}}, GetParam(), 5);
}

// Worker 0 alone comes past the end of the epoch, and begins the next round, of step 8, in a group
// that is no more: that round is dropped by worker 2, too, which has yet to come there.
TEST_P(LostInARound, WhatOneHasBegunTheOthersDoNotBeginLater) {
  const Method method = {"dppf", {{"pull", 0.3}, {"delay", int64_t{1}}}};
  const auto whole = undisturbed(method, "4", GetParam());
  Group group = new_group(kWorkers);
  train(group, options_of(method, "4"), GetParam(), {Lost::kInCommit, 2});
  Group left = left_of(group);
  EXPECT_EQ(step_of(*left.keepsakes[0]), 8);  // within step 9, which would have applied it
  EXPECT_EQ(step_of(*left.keepsakes[1]), 6);
  EXPECT_TRUE(at::equal(x_of(*left.keepsakes[1]), whole[2].after.at(6)));

  train(left, options_of(method, "4"), GetParam());
  EXPECT_EQ(left.seen[0].after.begin()->first, 9);
  EXPECT_EQ(left.seen[1].after.begin()->first, 7);
  for (const Seen& seen : left.seen) {
    EXPECT_EQ(seen.rounds.front(), 13);
    EXPECT_EQ(seen.after.rbegin()->first, 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, LostInARound, testing::Values("thread", "gloo"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::round_commit_test
