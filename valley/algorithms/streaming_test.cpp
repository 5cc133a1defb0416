// Rounds that hide behind steps: applied later than begun, slice by slice.

#include "valley/algorithms/streaming.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <latch>

#include "valley/algorithms/registry.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::streaming_test {
namespace {

// A worker whose every local step adds `step` to all its values.
class Stepper {
 public:
  Stepper(const std::string& name, const MethodValues& values, Communicator& comm, at::Tensor start,
          at::Tensor step)
      : x(std::move(start)), step_(std::move(step)) {
    algorithm = make_algorithm(name, find_algorithm(name).with(values),
                               {.total_steps = 1000,
                                .seed = 3,
                                .learning_rate = [](int64_t) { return 0.1; },
                                .layers = {{0, x.numel() - 1}, {x.numel() - 1, 1}},
                                .layer_gradient_norms =
                                    [] {
                                      return std::vector<double>{1, 0.5};
                                    }});
    algorithm->join(comm, x);
  }

  void take_steps(int64_t count) {
    for (int64_t end = k_ + count; k_ < end; ++k_) {
      x.add_(step_);
      algorithm->after_step({.step = k_, .total_steps = 1000, .loss = 1}, x);
    }
  }

  at::Tensor x;
  std::unique_ptr<Algorithm> algorithm;

 private:
  at::Tensor step_;
  int64_t k_ = 0;
};

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }

TEST(ADelayedRound, KeepsTheLocalStepsMadeMeanwhile) {
  run_ranks(2, [](Communicator& comm) {
    const bool first = comm.rank() == 0;
    Stepper worker("dppf", {{"period", "3"}, {"delay", int64_t{2}}, {"pull", 0.5}, {"push", 0.0}},
                   comm, vec({0}), vec({first ? 1. : 2.}));
    const auto expect = [&](double at_first, double at_second) {
      EXPECT_EQ(worker.x.item<double>(), first ? at_first : at_second);
    };
    worker.take_steps(3);
    expect(3, 6);  // where they meet: half of the way to 4.5 is 0.75
    EXPECT_EQ(worker.algorithm->rounds(), 1);
    EXPECT_FALSE(worker.algorithm->last_round());
    worker.take_steps(1);
    expect(4, 8);
    worker.algorithm->quiesce();
    EXPECT_EQ(worker.algorithm->view(worker.x).item<double>(), first ? 4.75 : 7.25);
    expect(4, 8);
    worker.take_steps(1);
    expect(5.75, 9.25);
    ASSERT_TRUE(worker.algorithm->last_round());
    EXPECT_EQ(worker.algorithm->last_round()->distance, 1.5);
    EXPECT_TRUE(worker.algorithm->final_average_needed());
    worker.take_steps(1);
    expect(6.75, 11.25);
    EXPECT_EQ(worker.algorithm->rounds(), 2);
  });
}

// In the first phase of post-local a round is due in every step.
TEST(ADelayedRound, IsAppliedBeforeTheNextBegins) {
  run_ranks(2, [](Communicator& comm) {
    Stepper worker("local-sgd", {{"period", "post-local:1000:4"}, {"delay", int64_t{3}}}, comm,
                   vec({0}), vec({comm.rank() == 0 ? 0. : 2.}));
    worker.take_steps(1);  // 0 and 2, which meet at 1
    worker.take_steps(1);  // 0 and 4 come to 1 and 3, which meet at 2
    EXPECT_EQ(worker.x.item<double>(), comm.rank() == 0 ? 1 : 3);
    worker.algorithm->quiesce();
    EXPECT_EQ(worker.algorithm->view(worker.x).item<double>(), 2);
  });
}

// Whoever is late meets the others all the same; they wait no earlier than they must.
TEST(ADelayedRound, TravelsWhileStepsAreTaken) {
  for (const char* name : {"local-sgd", "diloco", "dppf", "easgd", "mgrawa", "lgrawa"}) {
    std::latch gone_on(1);
    std::shared_ptr<void> going(nullptr, [&](void*) { gone_on.count_down(); });
    run_ranks(2, [&](Communicator& comm) {
      Stepper worker(name, {{"period", "4"}, {"delay", int64_t{3}}}, comm, vec({1, 2, 3}),
                     vec({0.5, 0.5, double(comm.rank())}));
      worker.take_steps(3);
      if (comm.rank() == 1) gone_on.wait();
      worker.take_steps(3);
      if (comm.rank() == 0) going.reset();
      worker.take_steps(1);
      EXPECT_TRUE(worker.algorithm->last_round()) << name;
    });
  }
}

TEST(Fragments, MeetOneAfterTheOther) {
  run_ranks(2, [](Communicator& comm) {
    const bool first = comm.rank() == 0;
    Stepper worker("local-sgd", {{"period", "4"}, {"fragments", int64_t{2}}}, comm,
                   at::zeros({4}, at::kDouble), at::full({4}, first ? 0. : 2., at::kDouble));
    const auto expect = [&](std::vector<double> at_first, std::vector<double> at_second) {
      EXPECT_TRUE(worker.x.equal(vec(first ? at_first : at_second))) << worker.x;
    };
    worker.take_steps(2);
    expect({2, 2, 0, 0}, {2, 2, 4, 4});
    EXPECT_EQ(worker.algorithm->rounds(), 1);
    EXPECT_EQ(comm.total_bytes(), 2 * 8);
    worker.take_steps(2);
    expect({2, 2, 4, 4}, {6, 6, 4, 4});
    EXPECT_EQ(worker.algorithm->rounds(), 2);
    worker.take_steps(2);
    expect({6, 6, 4, 4}, {6, 6, 8, 8});
    EXPECT_TRUE(worker.algorithm->final_average_needed());
    worker.take_steps(2);
    EXPECT_EQ(comm.total_bytes(), 2 * 4 * 8);
    EXPECT_TRUE(worker.algorithm->final_average_needed());
  });
}

TEST(Fragments, TheWidthOfAllIsLambdaOverAlpha) {
  for (const char* name : {"dppf", "mgrawa"}) {
    for (const int64_t delay : {0, 1}) {
      run_ranks(3, [&](Communicator& comm) {
        Stepper worker(name,
                       {{"period", "8"},
                        {"fragments", int64_t{3}},
                        {"delay", delay},
                        {"pull", 0.1},
                        {"push", 0.5}},
                       comm, normals({20}, uint64_t(comm.rank())), at::zeros({20}, at::kDouble));
        worker.take_steps(8 * 200);
        const at::Tensor X = comm.all_gather(worker.x);
        EXPECT_NEAR((X - X.mean(0)).square().sum(1).sqrt().mean().item<double>(), 5, 0.01) << name;
      });
    }
  }
}

TEST(Fragments, ArePlacedEvenlyAndTheLastWithThePeriod) {
  const auto places = [](int64_t fragments, int64_t period) {
    std::vector<int64_t> result;
    for (int64_t f = 0; f < fragments; ++f) result.push_back(fragment_place(f, fragments, period));
    return result;
  };
  EXPECT_EQ(places(1, 7), std::vector<int64_t>({7}));
  EXPECT_EQ(places(3, 7), std::vector<int64_t>({3, 5, 7}));
  EXPECT_EQ(places(4, 8), std::vector<int64_t>({2, 4, 6, 8}));
  EXPECT_EQ(places(3, 1), std::vector<int64_t>({1, 1, 1}));
  EXPECT_EQ(fragments_met(4, 8, 5), 2);
  EXPECT_EQ(fragments_met(3, 7, 0), 0);
  int64_t values = 0;
  for (int64_t round = 7; round < 7 + 3; ++round) values += fragment_size(round, {0, 3}, 20);
  EXPECT_EQ(values, 20);
}

TEST(Streaming, LeavesARoundTimeAndAFragmentSomethingToDo) {
  const auto error = [](int64_t delay, int64_t fragments, const char* period) {
    return error_of<UsageError>([&] {
      check_algorithm("dppf",
                      find_algorithm("dppf").with(
                          {{"period", period}, {"delay", delay}, {"fragments", fragments}}),
                      2, 1);
    });
  };
  EXPECT_EQ(error(4, 1, "4"), "delay must be below the period of 4 steps, got 4");
  EXPECT_EQ(error(9, 1, "qsr:4:0.1"), "delay must be below the period of 4 steps, got 9");
  EXPECT_EQ(error(0, 5, "4"), "fragments must be at most the period of 4 steps, got 5");
  EXPECT_EQ(error(2, 2, "4"),
            "delay must be below period / fragments, which is 4 / 2 steps, got 2");
  EXPECT_EQ(error_of<UsageError>([&] {
              make_algorithm(
                  "dppf", find_algorithm("dppf").with({{"period", "8"}, {"fragments", int64_t{8}}}),
                  {.layers = {{0, 4}, {4, 3}}});
            }),
            "fragments must be at most the number of parameters, 7, got 8");
}

}  // namespace
}  // namespace valley::streaming_test
