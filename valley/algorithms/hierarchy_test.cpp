// Groups that meet often, among all that meet rarely.

#include "valley/algorithms/hierarchy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "valley/algorithms/registry.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::hierarchy_test {
namespace {

constexpr int64_t kSteps = 24, kValues = 19;

std::unique_ptr<Algorithm> make(const std::string& method, const MethodValues& values) {
  return make_algorithm(method, find_algorithm(method).with(values),
                        {.total_steps = kSteps,
                         .learning_rate = [](int64_t) { return 0.1; },
                         .layers = {{0, 15, 3}, {15, 4}},
                         .layer_gradient_norms =
                             [] {
                               return std::vector<double>{1, 0.5};
                             }});
}

// Where a worker of its own noise comes to.
at::Tensor train(Algorithm& algorithm, Communicator& comm,
                 const std::function<void(int64_t, const at::Tensor&)>& look = {}) {
  at::Tensor x = normals({kValues}, 7);
  algorithm.join(comm, x);
  for (int64_t step = 0; step < kSteps; ++step) {
    StepInfo info = {.step = step, .total_steps = kSteps, .loss = double(comm.rank())};
    at::Tensor g = normals({kValues}, uint64_t(100 * step + comm.rank()));
    algorithm.before_gradient(info, x);
    algorithm.on_gradient(info, x, g);
    algorithm.local_step(info, x, g, [&] { x.add_(g, -0.1); });
    algorithm.after_step(info, x);
    if (look) look(step, x);
  }
  algorithm.quiesce();
  return algorithm.view(x).clone();
}

const std::vector<const char*> kMethods = {"local-sgd", "slowmo", "diloco", "dppf",
                                           "easgd",     "lsgd",   "mgrawa", "lgrawa"};

bool same_on_all(Communicator& comm, const at::Tensor& x) {
  const at::Tensor all = comm.all_gather(x);
  return all.eq(all[0]).all().item<bool>();
}

TEST(AHierarchy, LeavesTheOptimizersAlone) {
  try {
    find_algorithm("local-sgd")
        .check(find_algorithm("local-sgd")
                   .with({{"hierarchy", "inner:2,outer:4"},
                          {"group-size", int64_t{2}},
                          {"optimizer-state", "reset"}}),
               4, 0);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(
        error.what(),
        "optimizer-state reset is of rounds of all workers: it does not go with hierarchy");
  }
}

TEST(AHierarchy, OfOnePeriodIsTheMethodBitForBit) {
  run_ranks(4, [](Communicator& comm) {
    for (const char* method : kMethods) {
      const at::Tensor flat = train(*make(method, {{"period", "3"}}), comm);
      EXPECT_TRUE(
          train(*make(method, {{"hierarchy", "inner:3,outer:3"}, {"group-size", int64_t{2}}}), comm)
              .equal(flat))
          << method;
      const MethodValues hidden = {{"delay", int64_t{1}}, {"fragments", int64_t{2}}};
      MethodValues one = hidden, other = hidden;
      one.emplace_back("period", "4");
      other.insert(other.end(), {{"hierarchy", "inner:4,outer:4"}, {"group-size", int64_t{2}}});
      EXPECT_TRUE(train(*make(method, other), comm).equal(train(*make(method, one), comm)))
          << method;
    }
  });
}

TEST(AHierarchy, OfGroupsOfOneIsTheMethodWithTheOuterPeriodBitForBit) {
  run_ranks(3, [](Communicator& comm) {
    for (const char* method : kMethods) {
      const at::Tensor flat = train(*make(method, {{"period", "6"}}), comm);
      EXPECT_TRUE(
          train(*make(method, {{"hierarchy", "inner:2,outer:6"}, {"group-size", int64_t{1}}}), comm)
              .equal(flat))
          << method;
    }
  });
}

// Ranks 0 and 1 are a group, 2 and 3 another; after 2 and 4 steps each is at one place, after 6
// all.
TEST(AHierarchy, WhoIsTogetherWhen) {
  const auto look = [](Communicator& comm) {
    const auto algorithm =
        make("local-sgd", {{"hierarchy", "inner:2,outer:6"}, {"group-size", int64_t{2}}});
    const auto group = comm.split(comm.rank() / 2);
    EXPECT_EQ(algorithm->period(), 2);
    train(*algorithm, comm, [&](int64_t step, const at::Tensor& x) {
      const bool in_group = (step + 1) % 2 == 0, of_all = (step + 1) % 6 == 0;
      EXPECT_EQ(same_on_all(*group, x), in_group) << step;
      EXPECT_EQ(same_on_all(comm, x), of_all) << step;
      ASSERT_EQ(algorithm->last_round().has_value(), in_group);
      if (in_group) {
        EXPECT_EQ(algorithm->last_round()->figure("outer"), of_all ? 1 : 0);
      }
      EXPECT_EQ(algorithm->final_average_needed(), !of_all);
    });
    EXPECT_EQ(algorithm->rounds(), kSteps / 2);
  };
  for (const std::string& backend : rank_backends()) run_ranks(4, look, backend);
}

// Two groups at 0, 2 and 10, 14: at 1 and 12 after the round within, at 6.5 after that of all.
TEST(AHierarchy, ByHand) {
  run_ranks(4, [](Communicator& comm) {
    const auto algorithm =
        make("local-sgd", {{"hierarchy", "inner:1,outer:2"}, {"group-size", int64_t{2}}});
    at::Tensor x = at::zeros({1}, at::kDouble);
    algorithm->join(comm, x);
    x.fill_(std::vector<double>{0, 2, 10, 14}[size_t(comm.rank())]);
    const int64_t before = comm.total_bytes();
    algorithm->after_step({.step = 0}, x);
    EXPECT_EQ(x.item<double>(), comm.rank() < 2 ? 1 : 12);
    algorithm->after_step({.step = 1}, x);
    EXPECT_EQ(x.item<double>(), 6.5);
    EXPECT_EQ(comm.total_bytes() - before, 2 * 8);
  });
}

// With a pull and a push of its own the width within a group is theirs, and so is that of all.
TEST(AHierarchy, EachLevelHasItsWidth) {
  run_ranks(4, [](Communicator& comm) {
    const auto algorithm = make("dppf", {{"hierarchy", "inner:1,outer:2000"},
                                         {"group-size", int64_t{2}},
                                         {"inner-pull", 0.2},
                                         {"inner-push", 0.6}});
    at::Tensor x = at::zeros({kValues}, at::kDouble);
    algorithm->join(comm, x);
    x.copy_(normals({kValues}, uint64_t(comm.rank())));
    for (int64_t step = 0; step < 400; ++step) algorithm->after_step({.step = step}, x);
    EXPECT_NEAR(algorithm->last_round()->distance, 3, 1e-3);
    EXPECT_EQ(algorithm->last_round()->figure("predicted_width"), 0.6 / 0.2);
  });
}

TEST(AHierarchy, TheWorkersOfOneMachineAreOneGroup) {
  run_ranks(3, [](Communicator& comm) {
    const auto algorithm = make("local-sgd", {{"hierarchy", "inner:1,outer:9"}});
    at::Tensor x = at::zeros({1}, at::kDouble);
    algorithm->join(comm, x);
    x.fill_(comm.rank());
    algorithm->after_step({.step = 0}, x);
    EXPECT_EQ(x.item<double>(), 1);
  });
}

TEST(AHierarchy, SaysWhatIsWrong) {
  const auto error = [](const MethodValues& values, int workers = 4) {
    return error_of<UsageError>(
        [&] { check_algorithm("dppf", find_algorithm("dppf").with(values), workers, 1); });
  };
  for (const char* text : {"", "4", "inner:4", "inner:4,outer:0", "inner:-1,outer:4",
                           "outer:8,inner:4", "inner:4,outer:8,", "inner:4;outer:8"}) {
    EXPECT_EQ(
        error({{"hierarchy", text}}),
        fmt::format("hierarchy must be none or inner:TAU,outer:TAU with numbers of steps from "
                    "1 on, got '{}'",
                    text));
  }
  EXPECT_EQ(error({{"hierarchy", "inner:4,outer:6"}}),
            "hierarchy inner:4,outer:6: the outer period must be a multiple of the inner one");
  const MethodValues good = {{"hierarchy", "inner:4,outer:8"}};
  const auto with = [&](const MethodValues& more) {
    MethodValues values = good;
    values.insert(values.end(), more.begin(), more.end());
    return values;
  };
  EXPECT_NO_THROW(check_algorithm("dppf", find_algorithm("dppf").with(good), 4, 1));
  EXPECT_EQ(error(with({{"group-size", int64_t{3}}})),
            "group-size 3 does not divide the 4 workers of the hierarchy");
  EXPECT_EQ(error(with({{"period", "8"}})),
            "hierarchy says when the workers meet: leave period 8 out");
  EXPECT_EQ(
      error(with({{"compress-rounds", "int8"}})),
      "compress-rounds int8 keeps replicas of all workers, which those of another group would "
      "not follow: wire and inner-wire go with hierarchy");
  EXPECT_EQ(error(with({{"delay", int64_t{4}}})),
            "delay must be below the period of 4 steps, got 4");
  EXPECT_EQ(error(with({{"inner-wire", "powersgd-2"}, {"fragments", int64_t{2}}})),
            "inner-wire powersgd-2 takes matrices as a whole, which fragments cuts");
  for (const auto& [key, value] : MethodValues{{"group-size", int64_t{2}},
                                               {"inner-pull", 0.5},
                                               {"inner-push", 0.5},
                                               {"inner-wire", "bf16"}}) {
    EXPECT_EQ(error({{key, value}}),
              fmt::format("{} is for rounds within a group: it needs a hierarchy", key));
  }
  EXPECT_EQ(to_string(parse_hierarchy("inner:4,outer:8")), "inner:4,outer:8");
  EXPECT_EQ(to_string(parse_hierarchy("none")), "none");
}

}  // namespace
}  // namespace valley::hierarchy_test
