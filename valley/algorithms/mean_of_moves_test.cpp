// A mean of which the workers say how they have moved: by two factors of each matrix, signs, the
// largest values.

#include "valley/algorithms/mean_of_moves.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <tuple>

#include "valley/algorithms/power_sgd.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::mean_of_moves_test {
namespace {

// A matrix of 12 x 10 and a vector of 7.
constexpr int64_t kRows = 12, kColumns = 10, kMatrix = kRows * kColumns, kValues = kMatrix + 7;

AlgorithmContext context(int64_t total_steps = 1000) {
  return {.total_steps = total_steps,
          .seed = 3,
          .layers = {{0, kMatrix, kRows}, {kMatrix, kValues - kMatrix}}};
}

at::Tensor matrix_of(const at::Tensor& v) {
  return v.narrow(0, 0, kMatrix).view({kRows, kColumns});
}
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }
at::Tensor draw(uint64_t seed) { return normals({kValues}, seed); }

at::Tensor mean_of(Communicator& comm, const at::Tensor& x) {
  at::Tensor mean = x.clone();
  comm.all_reduce_mean(mean);
  return mean;
}

// The mean of what is said of v, which becomes what is left.
at::Tensor said(MeanCoder& coder, Communicator& comm, at::Tensor& v, int64_t round = 0) {
  at::Tensor out = at::zeros_like(v);
  coder.start(comm, v, round);
  coder.finish(out);
  return out;
}

at::Tensor best_of_rank(const at::Tensor& matrix, int64_t rank) {
  const auto [u, s, v] = at::linalg_svd(matrix, false);
  return u.narrow(1, 0, rank).mm(s.narrow(0, 0, rank).diag()).mm(v.narrow(0, 0, rank));
}

const std::vector<const char*> kWires = {"powersgd-1", "powersgd-3", "sign", "top-k:0.2",
                                         "random-k:0.3"};

TEST(PowerSgdWire, MatricesOfThatRankAndVectorsAreExact) {
  run_ranks(3, [](Communicator& comm) {
    const auto coder = make_mean_coder("powersgd-2", context());
    at::Tensor v = draw(uint64_t(comm.rank()));
    // Columns and rows that all have, the strengths each worker's own.
    const at::Tensor left = normals({kRows, 2}, 8), right = normals({2, kColumns}, 9);
    const at::Tensor own = normals({2}, uint64_t(20 + comm.rank()));
    matrix_of(v).copy_(left.mul(own).mm(right));
    const at::Tensor mean = mean_of(comm, v);
    EXPECT_LT(largest(said(*coder, comm, v) - mean), 1e-12);
    EXPECT_LT(largest(v), 1e-12);
  });
}

TEST(PowerSgdWire, ARankThatSparesNothingIsTheMeanItself) {
  run_ranks(3, [](Communicator& comm) {
    for (const char* wire : {"powersgd-10", "powersgd-12", "powersgd-1000"}) {
      const auto coder = make_mean_coder(wire, context());
      at::Tensor v = draw(uint64_t(comm.rank()));
      const at::Tensor mean = mean_of(comm, v);
      EXPECT_LT(largest(said(*coder, comm, v) - mean), 1e-15) << wire;
      EXPECT_EQ(largest(v), 0) << wire;
    }
  });
}

TEST(PowerSgdWire, BytesAreThoseOfTheFactors) {
  EXPECT_EQ(powersgd_values(2, {{12, 10}, {1, 7}}), 2 * (12 + 10) + 7);
  EXPECT_EQ(powersgd_values(6, {{12, 10}, {1, 7}}), 12 * 10 + 7);  // 6 (12 + 10) would be more
  EXPECT_FALSE(sent_as_factors(2, {4, 4}));                        // as many
  run_ranks(2, [](Communicator& comm) {
    const auto coder = make_mean_coder("powersgd-2", context());
    at::Tensor v = draw(1);
    const int64_t before = comm.total_bytes();
    said(*coder, comm, v);
    EXPECT_EQ(comm.total_bytes() - before, 8 * (2 * (12 + 10) + 7));
  });
}

// Sent again and again, a matrix comes to the best that its rank allows; a cold start does not.
TEST(PowerSgdWire, AWarmStartComesToTheBestApproximation) {
  run_ranks(2, [](Communicator& comm) {
    const auto coder = make_mean_coder("powersgd-2", context());
    const at::Tensor same = draw(uint64_t(comm.rank()));
    const at::Tensor best = best_of_rank(matrix_of(mean_of(comm, same)), 2);
    const auto error = [&] {
      at::Tensor v = same.clone();
      return (matrix_of(said(*coder, comm, v)) - best).norm().item<double>();
    };
    const double first = error();
    for (int i = 0; i < 200; ++i) error();
    EXPECT_LT(error(), 1e-6);
    EXPECT_GT(first, 0.1);
  });
}

TEST(PowerSgdWire, NothingStaysNothingAndWhatComesLaterIsStillSaid) {
  run_ranks(2, [](Communicator& comm) {
    const auto coder = make_mean_coder("powersgd-2", context());
    at::Tensor v = at::zeros({kValues}, at::kDouble), sum = v.clone();
    EXPECT_EQ(largest(said(*coder, comm, v)), 0);
    v.copy_(draw(uint64_t(comm.rank())));
    const at::Tensor mean = mean_of(comm, v);
    for (int64_t i = 0; i < 100; ++i) sum.add_(said(*coder, comm, v));
    EXPECT_LT(largest(sum - mean), 1e-6);
  });
}

TEST(PowerSgdWire, NeedsTheLayers) {
  EXPECT_EQ(error_of<UsageError>([] { make_mean_coder("powersgd-2", {}); }),
            "wire powersgd-2 needs a training loop that knows the layers "
            "(AlgorithmContext::layers)");
}

// What is said and what is left are what was there; of a compressor the owner of a slice has left
// something, too.
TEST(MeanCoders, NothingIsLost) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      const auto coder = make_mean_coder(wire, context());
      at::Tensor e = at::zeros({kValues}, at::kDouble), total = e.clone(), sum = e.clone();
      for (int64_t round = 0; round < 20; ++round) {
        const at::Tensor move = draw(uint64_t(100 * round + comm.rank()));
        total.add_(mean_of(comm, move));
        sum.add_(said(*coder, comm, e.add_(move), round));
        at::Tensor there = sum + mean_of(comm, e);
        for (const auto& [name, left] : coder->memory()) {
          if (name != "owner_error") continue;
          const int64_t size = (kValues + 2) / 3, begin = size * comm.rank();
          at::Tensor owned = at::zeros_like(e);
          owned.narrow(0, begin, left->numel()).copy_(*left);
          comm.all_reduce_sum(owned, owned);
          there.add_(owned);
        }
        EXPECT_LT(largest(there - total), 1e-11) << wire;
      }
      // Most of it is said: what is left does not grow.
      EXPECT_LT(mean_of(comm, e).norm().item<double>(), 3 * total.norm().item<double>()) << wire;
    });
  }
}

RoundsAlgorithm every_step(const std::string& wire, const PullPushOptions& options) {
  return {
      {.base = 1}, context(), make_mean(wire, context()), std::make_unique<PullPushRule>(options)};
}

at::Tensor entry(const Algorithm& algorithm, const std::string& name) {
  return optional_entry(algorithm.state(), name);
}

TEST(AMeanOfMoves, AllTakeTheSameForTheirMean) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step(wire, {.pull = 0.3, .push = 0.5});
      at::Tensor x = draw(1).to(at::kFloat);
      algorithm.join(comm, x);
      for (int64_t step = 0; step < 6; ++step) {
        x.add_(draw(uint64_t(10 * step + comm.rank())).to(at::kFloat), 0.1);
        algorithm.after_step({.step = step, .total_steps = 6}, x);
        const at::Tensor all = comm.all_gather(entry(algorithm, "wire_mean"));
        EXPECT_TRUE(all.eq(all[0]).all().item<bool>()) << wire;
        EXPECT_TRUE(algorithm.final_average_needed());
      }
    });
  }
}

TEST(AMeanOfMoves, FullPullPutsAllAtOnePlace) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step(wire, {.pull = 1, .push = 0});
      at::Tensor x = draw(1).to(at::kFloat);
      algorithm.join(comm, x);
      for (int64_t step = 0; step < 3; ++step) {
        x.add_(draw(uint64_t(10 * step + comm.rank())).to(at::kFloat), 0.1);
        algorithm.after_step({.step = step, .total_steps = 6}, x);
        const at::Tensor all = comm.all_gather(x);
        EXPECT_TRUE(all.eq(all[0]).all().item<bool>()) << wire;
      }
    });
  }
}

// Whatever is dropped: without steps all come together at the mean.
TEST(AMeanOfMoves, ThePullBringsAllToTheMean) {
  for (const char* wire : kWires) {
    for (const double pull : {0.1, 0.5, 1.0}) {
      run_ranks(3, [&](Communicator& comm) {
        RoundsAlgorithm algorithm = every_step(wire, {.pull = pull, .push = 0});
        at::Tensor x = at::zeros({kValues}, at::kDouble);
        algorithm.join(comm, x);
        x.copy_(draw(uint64_t(comm.rank())));
        const at::Tensor mean = mean_of(comm, x);
        for (int64_t step = 0; step < 500; ++step) {
          algorithm.after_step({.step = step, .total_steps = 500}, x);
        }
        EXPECT_LT(largest(x - mean), 1e-5) << wire << ", pull " << pull;
      });
    }
  }
}

// Workers that stand apart do not have their distance to say, only how they are pushed.
TEST(AMeanOfMoves, TheWidthIsStillLambdaOverAlpha) {
  for (const char* wire : kWires) {
    run_ranks(3, [&](Communicator& comm) {
      RoundsAlgorithm algorithm = every_step(wire, {.pull = 0.1, .push = 0.5});
      at::Tensor x = at::zeros({kValues}, at::kDouble);
      algorithm.join(comm, x);
      x.copy_(draw(uint64_t(comm.rank())));
      for (int64_t step = 0; step < 500; ++step) {
        algorithm.after_step({.step = step, .total_steps = 500}, x);
      }
      const at::Tensor X = comm.all_gather(x);
      // Of powersgd only the mean of the pushes matters, which comes to nothing.
      const double off = powersgd_rank(wire) ? 1e-3 : 0.2;
      EXPECT_NEAR(algorithm.last_round()->distance, 5, off) << wire;
      EXPECT_NEAR((X - X.mean(0)).square().sum(1).sqrt().mean().item<double>(), 5, off) << wire;
    });
  }
}

// Where all is said the rounds are those of the mean itself.
TEST(AMeanOfMoves, OfWhichAllIsSaidIsTheMeanOfAll) {
  run_ranks(3, [](Communicator& comm) {
    for (const char* method : {"local-sgd", "slowmo", "diloco", "dppf", "easgd"}) {
      const auto end = [&](const std::string& wire, int64_t delay) {
        AlgorithmContext c = context(24);
        c.learning_rate = [](int64_t) { return 0.1; };
        const auto algorithm =
            make_algorithm(method,
                           find_algorithm(method).with(
                               {{"period", "3"}, {"push", 0.5}, {"delay", delay}, {"wire", wire}}),
                           c);
        at::Tensor x = draw(1);
        algorithm->join(comm, x);
        for (int64_t step = 0; step < 24; ++step) {
          x.add_(draw(uint64_t(10 * step + comm.rank())), 0.1);
          algorithm->after_step({.step = step, .total_steps = 24}, x);
        }
        return x;
      };
      for (const int64_t delay : {0, 2}) {
        for (const char* wire : {"powersgd-10", "top-k:1", "random-k:1"})
          EXPECT_LT(largest(end(wire, delay) - end("none", delay)), 1e-10) << method << " " << wire;
      }
    }
  });
}

TEST(AMeanOfMoves, AWorkerAloneSaysNothingAndLosesNothing) {
  const auto solo = make_solo();
  RoundsAlgorithm algorithm = every_step("powersgd-2", {.pull = 0.5, .push = 0});
  at::Tensor x = draw(1);
  algorithm.join(*solo, x);
  const at::Tensor before = x.clone();
  algorithm.after_step({}, x);
  EXPECT_TRUE(x.equal(before));
  EXPECT_EQ(solo->total_bytes(), 0);
}

// ssgd with a rank that spares nothing is ssgd; with a lower one what was not said is said later.
TEST(SsgdByWire, FollowsTheMeanGradient) {
  run_ranks(3, [](Communicator& comm) {
    const auto run = [&](const std::string& wire) {
      const auto algorithm =
          make_algorithm("ssgd", find_algorithm("ssgd").with({{"wire", wire}}), context());
      at::Tensor x = at::zeros({kValues}, at::kDouble), total = x.clone();
      algorithm->join(comm, x);
      for (int64_t step = 0; step < 60; ++step) {
        at::Tensor g = step < 10 ? draw(uint64_t(10 * step + comm.rank())) : at::zeros_like(x);
        algorithm->on_gradient({.step = step}, x, g);
        total.add_(g);
      }
      EXPECT_FALSE(algorithm->final_average_needed());
      return total;
    };
    const at::Tensor plain = run("none");
    EXPECT_LT(largest(run("powersgd-10") - plain), 1e-12);
    for (const char* wire : {"powersgd-2", "top-k:0.3", "int8", "bf16"})
      EXPECT_LT(largest(run(wire) - plain), 1e-3) << wire;
  });
}

}  // namespace
}  // namespace valley::mean_of_moves_test
