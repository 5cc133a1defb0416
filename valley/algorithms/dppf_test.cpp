#include "valley/algorithms/dppf.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "valley/algorithms/local_sgd.h"
#include "valley/algorithms/registry.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/core/testing/test_folder.h"
#include "valley/optim/flat_parameters.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::dppf_test {
namespace {

// The mean distance from the average, the same on every worker.
double width(Communicator& comm, const at::Tensor& x) {
  const at::Tensor X = comm.all_gather(x);
  return (X - X.mean(0)).square().sum(1).sqrt().mean().item<double>();
}

class Dppf : public testing::TestWithParam<std::string> {
 protected:
  bool fast() const { return GetParam() == "thread"; }

  // Over sockets a round costs milliseconds: one world only.
  std::vector<int> worlds() const {
    return fast() ? std::vector<int>{1, 2, 3, 5} : std::vector<int>{3};
  }

  void run(int workers, const std::function<void(Communicator&)>& fn) const {
    run_ranks(workers, fn, GetParam());
  }
};

// Local steps: a drift of each worker's own.
void local_step(const Communicator& comm, int64_t step, at::Tensor& x) {
  x += 0.1 * normals(x.sizes(), static_cast<uint64_t>(1000 * step + comm.rank())).to(x.dtype());
}

TEST_P(Dppf, WithFullPullAndNoPushItIsLocalSgdBitForBit) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    for (int workers : worlds()) {
      for (const char* period : {"1", "4", "post-local:1:3", "qsr:2:0.2"}) {
        for (PushVariant variant : {PushVariant::kSimple, PushVariant::kExact}) {
          run(workers, [&](Communicator& comm) {
            const int64_t total = 14;
            const AlgorithmContext context = {.total_steps = total,
                                              .steps_per_epoch = 5,
                                              .learning_rate = [](int64_t) { return 0.1; }};
            DppfOptions options = {.pull_push = {.pull = 1, .push = 0, .variant = variant},
                                   .push_schedule = PushShape::kIncreasing,
                                   .period = parse_period(period)};
            const auto dppf = make_dppf(options, context);
            const auto local = make_local_sgd({.period = options.period}, context);
            at::Tensor x = normals({30}, static_cast<uint64_t>(comm.rank())).to(dtype);
            at::Tensor y = x.clone();
            dppf->join(comm, x);
            local->join(comm, y);
            for (int64_t step = 0; step < total; ++step) {
              const StepInfo info{.step = step, .total_steps = total};
              local_step(comm, step, x);
              local_step(comm, step, y);
              dppf->after_step(info, x);
              local->after_step(info, y);
              EXPECT_TRUE(x.equal(y)) << period << ", step " << step;
              EXPECT_EQ(dppf->last_round().has_value(), local->last_round().has_value());
            }
            EXPECT_EQ(dppf->rounds(), local->rounds());
            EXPECT_EQ(dppf->period(), local->period());
            EXPECT_EQ(dppf->final_average_needed(), local->final_average_needed());
          });
        }
      }
    }
  }
}

TEST_P(Dppf, WithoutPushItAveragesWithStrengthAlphaBitForBit) {
  for (PushShape shape : {PushShape::kConstant, PushShape::kIncreasing, PushShape::kDecreasing}) {
    for (int workers : worlds()) {
      run(workers, [&](Communicator& comm) {
        const auto dppf = make_dppf(
            {.pull_push = {.pull = 0.2, .push = 0}, .push_schedule = shape, .period = {.base = 2}},
            {.total_steps = 12});
        at::Tensor x = normals({30}, static_cast<uint64_t>(comm.rank())), y = x.clone();
        dppf->join(comm, x);
        for (int64_t step = 0; step < 12; ++step) {
          local_step(comm, step, x);
          local_step(comm, step, y);
          dppf->after_step({.step = step, .total_steps = 12}, x);
          if (step % 2 == 1) {
            at::Tensor average = y.clone();
            comm.all_reduce_mean(average);
            y += (average - y) * 0.2;
          }
          EXPECT_TRUE(x.equal(y));
        }
      });
    }
  }
}

// A11: the final width follows the final push.
TEST_P(Dppf, TheScheduleDecidesTheFinalWidth) {
  struct Case {
    PushShape shape;
    double width, tolerance;
  };
  std::vector<Case> cases = {{PushShape::kIncreasing, 5, 0.01}, {PushShape::kDecreasing, 0, 0.01}};
  if (fast()) {
    cases.push_back({PushShape::kConstant, 5, 1e-6});
    cases.push_back({PushShape::kLinearDecreasing, 0, 0.05});
  }
  for (const Case& c : cases) {
    run(3, [&](Communicator& comm) {
      const int64_t rounds = fast() ? 2000 : 200;
      const auto dppf = make_dppf({.pull_push = {.pull = 0.1, .push = 0.5},
                                   .push_schedule = c.shape,
                                   .period = {.base = 1}},
                                  {.total_steps = rounds});
      at::Tensor x = normals({6}, static_cast<uint64_t>(comm.rank()));
      dppf->join(comm, x);
      for (int64_t step = 0; step < rounds; ++step) {
        dppf->after_step({.step = step, .total_steps = rounds}, x);
      }
      // The width is some ten rounds behind the push.
      EXPECT_NEAR(width(comm, x), c.width, c.tolerance * 2000 / double(rounds));
    });
  }
}

TEST_P(Dppf, TheReportFollowsTheSchedule) {
  run(3, [](Communicator& comm) {
    const auto dppf = make_dppf({.pull_push = {.pull = 0.1, .push = 0.5},
                                 .push_schedule = PushShape::kLinearIncreasing,
                                 .period = {.base = 2}},
                                {.total_steps = 8});
    at::Tensor x = normals({6}, static_cast<uint64_t>(comm.rank()));
    dppf->join(comm, x);
    for (int64_t step = 0; step < 8; ++step) {
      dppf->after_step({.step = step, .total_steps = 8}, x);
      if (step % 2 == 0) {
        EXPECT_FALSE(dppf->last_round());
        continue;
      }
      ASSERT_TRUE(dppf->last_round());
      const double push = 0.5 * double(step + 1) / 8;
      EXPECT_EQ(dppf->last_round()->figure("pull"), 0.1);
      EXPECT_NEAR(dppf->last_round()->figure("push"), push, 1e-15);
      EXPECT_NEAR(dppf->last_round()->figure("predicted_width"), push / 0.1, 1e-14);
    }
  });
}

// Parameters of the given sizes, filled from one vector.
std::vector<NamedTensor> pieces(const at::Tensor& x,
                                const std::vector<std::vector<int64_t>>& shapes) {
  std::vector<NamedTensor> parameters;
  int64_t offset = 0;
  for (const auto& shape : shapes) {
    const int64_t size = c10::multiply_integers(shape);
    const at::Tensor part = x.narrow(0, offset, size).clone().view(shape);
    parameters.push_back({fmt::format("p{}", offset), part.set_requires_grad(true)});
    offset += size;
  }
  return parameters;
}

// A8: one global norm; how the vector is split into tensors does not matter.
TEST_P(Dppf, HowTheVectorIsSplitIntoTensorsDoesNotMatter) {
  for (int workers : worlds()) {
    run(workers, [](Communicator& comm) {
      const at::Tensor start = normals({24}, static_cast<uint64_t>(comm.rank()));
      at::Tensor expected;
      for (const auto& shapes : std::vector<std::vector<std::vector<int64_t>>>{
               {{24}}, {{4, 6}}, {{1}, {2, 3}, {17}}, {{2, 2, 2}, {8}, {1, 8}}}) {
        const FlatParameters flat(pieces(start, shapes));
        const auto dppf = make_dppf({.period = {.base = 1}}, {.total_steps = 5});
        at::Tensor x = flat.values();
        dppf->join(comm, x);
        for (int64_t step = 0; step < 5; ++step) {
          dppf->after_step({.step = step, .total_steps = 5}, x);
        }
        if (!expected.defined()) expected = x.clone();
        EXPECT_TRUE(x.equal(expected));
      }
    });
  }
}

TEST(DppfOptions, TheExactVariantIsNotCompressed) {
  const DppfOptions options = {.pull_push = {.variant = PushVariant::kExact},
                               .compress_rounds = "int8"};
  const std::string expected =
      "push-variant exact sends a second vector, which compress-rounds does not compress";
  EXPECT_EQ(error_of<UsageError>([&] { make_dppf(options, {}); }), expected);
  EXPECT_EQ(error_of<UsageError>([&] { check_algorithm("dppf", options, 2, 0); }), expected);
}

INSTANTIATE_TEST_SUITE_P(, Dppf, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::dppf_test
