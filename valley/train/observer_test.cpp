#include "valley/train/observer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "valley/comm/group.h"
#include "valley/core/testing/test_folder.h"
#include "valley/train/testing/small_training.h"
#include "valley/train/trainer.h"

namespace valley::observer_test {
namespace {

// Writes down what it is told, a letter an event.
class Listener : public Observer {
 public:
  void round(const RunMoment& moment, const RoundReport& report) override {
    EXPECT_EQ(moment.meters.last_distance, report.distance);
    EXPECT_EQ(moment.clock.step, moment.rounds * moment.period);
    heard += 'r';
  }
  void epoch(const RunMoment&, double loss) override {
    EXPECT_GT(loss, 0);
    heard += 'e';
  }
  void evaluation(const RunMoment&, const Evaluation& evaluation) override {
    EXPECT_GT(evaluation.test.loss(), 0);
    heard += 'v';
  }
  void step(const RunMoment& moment, const at::Tensor& x) override {
    EXPECT_EQ(moment.over, moment.clock.at_end());
    EXPECT_TRUE(moment.meters.last_loss.has_value());
    last_x = x.clone();
    heard += fmt::format("{}", moment.clock.step);
  }
  void checkpoint(const RunMoment&) override { heard += 'c'; }
  void tell(const RunMoment&, bool line) override { heard += line ? 'T' : 't'; }
  void end(const RunMoment&) override { heard += 'E'; }

  std::string heard;
  at::Tensor last_x;
};

TrainOptions six_steps(const std::string& out) {
  TrainOptions options = small_options("dppf");
  options.steps = 6;
  set(options.algorithm_options.settings(), "period", "2");
  options.checkpoint_every = 4;
  options.out = out;
  return options;
}

// The model's weights at the end, by worker.
std::vector<at::Tensor> run(const TrainOptions& options, std::vector<Listener>* listeners) {
  std::vector<at::Tensor> x(2);
  run_threads(2, [&](Communicator& comm) {
    at::set_num_threads(1);
    const auto model = small_model(SmallModel::kDropout);
    Trainer trainer(comm, *model, small_data(24), options);  // three steps an epoch
    if (listeners != nullptr) trainer.add_observer(listeners->at(comm.rank()));
    trainer.run();
    x[comm.rank()] = trainer.parameters().values().clone();
  });
  return x;
}

TEST(Observer, HearsEverythingInOrderAndChangesNothing) {
  const TestFolder with, without;
  std::vector<Listener> listeners(2);
  const auto watched = run(six_steps(with.path().string()), &listeners);
  const auto alone = run(six_steps(without.path().string()), nullptr);
  for (int m = 0; m < 2; ++m) {
    EXPECT_EQ(listeners[m].heard, "1tr2tev3Tr4ct5tre6ctvET") << m;
    EXPECT_TRUE(at::equal(watched[m], alone[m])) << m;
    EXPECT_EQ(listeners[m].last_x.numel(), watched[m].numel());
  }
}

TEST(Observer, WhatItThrowsEndsTheRun) {
  struct Thrower : Observer {
    void step(const RunMoment& moment, const at::Tensor&) override {
      if (moment.clock.step == 3) throw std::runtime_error("enough");
    }
  } thrower;
  run_threads(1, [&](Communicator& comm) {
    const auto model = small_model(SmallModel::kPlain);
    Trainer trainer(comm, *model, small_data(24), small_options("local-sgd"));
    trainer.add_observer(thrower);
    EXPECT_THROW(trainer.run(), std::runtime_error);
  });
}

}  // namespace
}  // namespace valley::observer_test
