// What a round is made of: a meeting x a rule, begun and applied, compressed; and a method that
// owns the whole update.

#include "valley/algorithms/rounds.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/wire_mean.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::rounds_test {
namespace {

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

RoundsAlgorithm pull_push(const PullPushOptions& options, const std::string& compress = "none",
                          int64_t period = 1) {
  return {{.base = period},
          {.total_steps = 1000},
          std::make_unique<MeanOfAll>(),
          std::make_unique<PullPushRule>(options),
          compress};
}

at::Tensor replicas_of(const Algorithm& algorithm) {
  for (const auto& [name, tensor] : algorithm.state()) {
    if (name == "replicas") return tensor;
  }
  return {};
}

TEST(ARound, BegunAndAppliedAtOnceIsTheRound) {
  run_ranks(3, [](Communicator& comm) {
    RoundsAlgorithm whole = pull_push({.pull = 0.3, .push = 0.2}),
                    parts = pull_push({.pull = 0.3, .push = 0.2});
    at::Tensor x = normals({9}, uint64_t(comm.rank()), at::kFloat), y = x.clone();
    whole.join(comm, x);
    parts.join(comm, y);
    whole.after_step({.total_steps = 1}, x);
    parts.begin_round({.total_steps = 1}, y);
    const RoundReport report = parts.apply(y);
    EXPECT_TRUE(x.equal(y));
    EXPECT_EQ(report.distance, whole.last_round()->distance);
    EXPECT_EQ(report.figures, whole.last_round()->figures);
  });
}

// Long enough for workers that share memory to pass over parts of all; by bf16 in another order.
TEST(ARound, InOnePieceIsTheTwoParts) {
  const AlgorithmContext context = {.total_steps = 1000};
  for (const char* wire : {"none", "bf16", "fp16"}) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      run_ranks(3, [&](Communicator& comm) {
        const auto method = [&] {
          return RoundsAlgorithm(
              {.base = 1}, context, make_mean(wire, context),
              std::make_unique<PullPushRule>(PullPushOptions{.pull = 0.3, .push = 0.2}));
        };
        RoundsAlgorithm whole = method(), parts = method();
        const int64_t d = std::string(wire) == "none" ? 3 * 8 * 32768 + 5 : 5003;
        at::Tensor x = normals({d}, 7, dtype);
        whole.join(comm, x);
        parts.join(comm, x);
        x.add_(normals({d}, uint64_t(comm.rank()), dtype));
        at::Tensor y = x.clone();
        for (int64_t step = 0; step < 3; ++step) {
          whole.after_step({.step = step, .total_steps = 1000}, x);
          parts.begin_round({.step = step, .total_steps = 1000}, y);
          const RoundReport report = parts.apply(y);
          EXPECT_TRUE(x.equal(y)) << wire;
          EXPECT_EQ(report.distance, whole.last_round()->distance) << wire;
          EXPECT_EQ(report.figures, whole.last_round()->figures) << wire;
        }
      });
    }
  }
}

TEST(ARound, AppliedLaterMovesXFromWhereItIsAndTakesTheOthersAsTheyWere) {
  run_ranks(2, [](Communicator& comm) {
    RoundsAlgorithm algorithm = pull_push({.pull = 0.5, .push = 0}, "none", /*period=*/100);
    at::Tensor x = vec({comm.rank() == 0 ? 0. : 8.});
    algorithm.join(comm, x);
    algorithm.begin_round({}, x);  // the mean is 4
    x.add_(2);                     // a local step meanwhile
    algorithm.after_step({}, x);
    const RoundReport report = algorithm.apply(x);
    EXPECT_EQ(x.item<double>(), comm.rank() == 0 ? 3 : 7);
    EXPECT_EQ(report.distance, comm.rank() == 0 ? 2 : 6);
  });
}

TEST(ARound, IsBegunOnceAndAppliedOnce) {
  const auto solo = make_solo();
  RoundsAlgorithm algorithm = pull_push({.pull = 0.5, .push = 0});
  at::Tensor x = vec({1});
  algorithm.join(*solo, x);
  EXPECT_EQ(error_of<UsageError>([&] { algorithm.apply(x); }), "no round is under way");
  algorithm.begin_round({}, x);
  EXPECT_EQ(error_of<UsageError>([&] { algorithm.begin_round({}, x); }),
            "a round is under way already");
}

// A worker whose rounds are applied two local steps after they were begun.
class LateWorker {
 public:
  LateWorker(const std::string& name, const MethodValues& values, Communicator& comm)
      : name_(name), values_(values), comm_(&comm) {
    algorithm_ = make_algorithm(name, find_algorithm(name).with(values),
                                {.total_steps = 1000,
                                 .seed = 3,
                                 .layers = {{0, 30}, {30, 10}},
                                 .layer_gradient_norms = [&comm] {
                                   return std::vector<double>{1.0 + comm.rank(), 0.5};
                                 }});
    algorithm_->join(comm, x);
  }

  LateWorker like() const { return {name_, values_, *comm_}; }

  void take_step(int64_t step) {
    const StepInfo info = {.step = step, .total_steps = 12, .loss = double(2 - comm_->rank())};
    x.add_(normals({40}, uint64_t(10 * step + comm_->rank()), at::kFloat), 0.1);
    algorithm_->after_step(info, x);
    if (step % 4 == 1) rounds().begin_round(info, x);
    if (step % 4 == 3) apply();
  }

  void apply() { rounds().apply(x); }

  at::Tensor look() const {
    algorithm_->quiesce();
    algorithm_->state();
    return algorithm_->view(x);
  }

  void go_on_from(const LateWorker& other) {
    AlgorithmState state = other.algorithm_->state();
    for (auto& [name, tensor] : state) tensor = tensor.clone();
    x.copy_(other.x);
    algorithm_->join(*comm_, x);
    algorithm_->load_state(state);
  }

  at::Tensor x = normals({40}, 1, at::kFloat);

 private:
  RoundsAlgorithm& rounds() const { return dynamic_cast<RoundsAlgorithm&>(*algorithm_); }

  std::string name_;
  MethodValues values_;
  Communicator* comm_;
  std::unique_ptr<Algorithm> algorithm_;
};

struct LateMethod {
  const char* name;
  MethodValues values;
};

std::vector<LateMethod> late_methods() {
  std::vector<LateMethod> methods;
  for (const char* name : {"dppf", "easgd", "lsgd", "mgrawa", "lgrawa", "local-sgd", "diloco"}) {
    for (const char* compress : {"none", "top-k:0.3"}) {
      methods.push_back({name,
                         {{"period", "1000"},
                          {"pull", 0.3},
                          {"push", 0.2},
                          {"push-schedule", "increasing"},
                          {"leader-pull", 0.2},
                          {"compress-rounds", compress}}});
    }
  }
  methods.push_back({"dppf", {{"period", "1000"}, {"push-variant", "exact"}}});
  return methods;
}

TEST(APendingRound, ThatIsLookedAtOrSavedChangesNoBit) {
  for (const LateMethod& method : late_methods()) {
    run_ranks(3, [&](Communicator& comm) {
      LateWorker alone(method.name, method.values, comm), looked_at = alone.like(),
                                                          resumed = alone.like();
      for (int64_t step = 0; step < 8; ++step) {
        alone.take_step(step);
        looked_at.look();
        looked_at.take_step(step);
        LateWorker next = alone.like();  // another one after every step
        if (step > 0) next.go_on_from(resumed);
        next.take_step(step);
        resumed = std::move(next);
      }
      EXPECT_TRUE(looked_at.x.equal(alone.x)) << method.name;
      EXPECT_TRUE(resumed.x.equal(alone.x)) << method.name;
    });
  }
}

TEST(APendingRound, IsSeenApplied) {
  for (const LateMethod& method : late_methods()) {
    run_ranks(3, [&](Communicator& comm) {
      LateWorker worker(method.name, method.values, comm);
      worker.take_step(0);
      EXPECT_TRUE(worker.look().equal(worker.x)) << method.name;
      worker.take_step(1);
      const at::Tensor view = worker.look(), before = worker.x.clone();
      EXPECT_FALSE(view.equal(before)) << method.name;
      worker.apply();
      EXPECT_TRUE(worker.x.equal(view)) << method.name;
    });
  }
}

TEST(ARound, TellsOfNothingThatItDoesNotKnow) {
  EXPECT_EQ(RoundReport{}.figure("pull"), 0);
  EXPECT_EQ((RoundReport{.figures = {{"width", 2.5}}}.figure("width")), 2.5);
}

// Two workers of two values, the larger one is sent, full pull. From (0, 0) the local steps take
// them to (4, 1) and (2, 0); then there are none.
TEST(ACompressedRound, ByHand) {
  run_ranks(2, [](Communicator& comm) {
    RoundsAlgorithm algorithm = pull_push({.pull = 1, .push = 0}, "top-k:0.5");
    at::Tensor x = vec({0, 0});
    algorithm.join(comm, x);
    x.copy_(comm.rank() == 0 ? vec({4, 1}) : vec({2, 0}));
    algorithm.after_step({.step = 0}, x);
    // Known are (4, 0) and (2, 0), which meet at (3, 0); the 1 stays with worker 0.
    EXPECT_TRUE(x.equal(comm.rank() == 0 ? vec({3, 1}) : vec({3, 0})));
    EXPECT_EQ(algorithm.last_round()->distance, 1);
    EXPECT_TRUE(replicas_of(algorithm).equal(vec({3, 0, 3, 0}).view({2, 2})));
    EXPECT_TRUE(algorithm.final_average_needed());
    // It is sent with the next difference.
    algorithm.after_step({.step = 1}, x);
    EXPECT_TRUE(x.equal(vec({3, 0.5})));
    EXPECT_EQ(comm.total_bytes(), 2 * 12);  // a place and a value a round
  });
}

TEST(ACompressedRound, AllKnowTheSameReplicas) {
  for (const char* compress : {"bf16", "int8", "sign", "top-k:0.1", "random-k:0.2"}) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = pull_push({.pull = 0.3, .push = 0.5}, compress);
      at::Tensor x = normals({40}, 1, at::kFloat);
      algorithm.join(comm, x);
      for (int64_t step = 0; step < 6; ++step) {
        x.add_(normals({40}, uint64_t(10 * step + comm.rank()), at::kFloat), 0.1);
        algorithm.after_step({.step = step, .total_steps = 6}, x);
        const at::Tensor all = comm.all_gather(replicas_of(algorithm));
        EXPECT_TRUE(all.eq(all[0]).all().item<bool>()) << compress;
      }
    });
  }
}

// Whatever is dropped: the pull moves nobody's mean, and without steps all come together at it.
TEST(ACompressedRound, ThePullKeepsTheMeanAndBringsAllToIt) {
  for (const char* compress : {"int8", "sign", "top-k:0.1", "random-k:0.2"}) {
    for (const double pull : {0.1, 0.5, 1.0}) {
      run_ranks(3, [&](Communicator& comm) {
        RoundsAlgorithm algorithm = pull_push({.pull = pull, .push = 0}, compress);
        at::Tensor x = at::zeros({20}, at::kDouble);
        algorithm.join(comm, x);
        x.copy_(normals({20}, uint64_t(comm.rank())));
        const at::Tensor mean = x.clone();
        comm.all_reduce_mean(mean);
        for (int64_t step = 0; step < 300; ++step) {
          algorithm.after_step({.step = step, .total_steps = 300}, x);
          if (step % 30 != 0) continue;
          const at::Tensor now = x.clone();
          comm.all_reduce_mean(now);
          EXPECT_LT(largest(now - mean), 1e-12) << compress << ", pull " << pull;
        }
        EXPECT_LT(largest(x - mean), 1e-6) << compress << ", pull " << pull;
      });
    }
  }
}

TEST(ACompressedRound, TheWidthIsStillLambdaOverAlpha) {
  run_ranks(3, [](Communicator& comm) {
    RoundsAlgorithm algorithm = pull_push({.pull = 0.1, .push = 0.5}, "top-k:0.2");
    at::Tensor x = at::zeros({20}, at::kDouble);
    algorithm.join(comm, x);
    x.copy_(normals({20}, uint64_t(comm.rank())));
    for (int64_t step = 0; step < 400; ++step) {
      algorithm.after_step({.step = step, .total_steps = 400}, x);
    }
    EXPECT_NEAR(algorithm.last_round()->distance, 5, 1e-3);
    const at::Tensor X = comm.all_gather(x);
    EXPECT_NEAR((X - X.mean(0)).square().sum(1).sqrt().mean().item<double>(), 5, 0.01);
  });
}

TEST(ACompressedRound, AWorkerAloneSendsNothingAndLosesNothing) {
  const auto solo = make_solo();
  RoundsAlgorithm algorithm = pull_push({.pull = 0.5, .push = 0}, "sign");
  at::Tensor x = normals({7}, 1, at::kFloat);
  algorithm.join(*solo, x);
  const at::Tensor before = x.clone();
  algorithm.after_step({}, x);
  EXPECT_TRUE(x.equal(before));
  EXPECT_FALSE(algorithm.final_average_needed());
}

// The sign of the mean gradient, a step of one length: no optimizer has a say.
class SignOfTheMean : public EveryStepAlgorithm {
 public:
  explicit SignOfTheMean(double length) : length_(length) {}

 private:
  void do_local_step(const StepInfo&, at::Tensor& x, at::Tensor& g,
                     const std::function<void()>&) override {
    comm().all_reduce_mean(g);
    x.sub_(at::sign(g), length_);
    count_step();
  }

  double length_;
};

TEST(LocalStep, AMethodMayOwnTheWholeUpdate) {
  run_ranks(2, [](Communicator& comm) {
    SignOfTheMean method(0.5);
    RoundsAlgorithm other = pull_push({.pull = 1, .push = 0});
    at::Tensor x = vec({1, 1, 1}), g = comm.rank() == 0 ? vec({4, -4, 1}) : vec({-2, 2, 3});
    int optimizer_steps = 0;
    const auto optimizer = [&] { ++optimizer_steps; };
    method.join(comm, x);
    method.local_step({}, x, g, optimizer);
    EXPECT_TRUE(x.equal(vec({0.5, 1.5, 0.5})));
    EXPECT_EQ(optimizer_steps, 0);
    other.join(comm, x);
    other.local_step({}, x, g, optimizer);
    EXPECT_EQ(optimizer_steps, 1);
  });
}

}  // namespace
}  // namespace valley::rounds_test
