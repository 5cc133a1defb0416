// Facts about decentralised methods that follow from their formulas: fixed points, limits of
// stability, stationary spreads, what is conserved.

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "valley/algorithms/choco.h"
#include "valley/algorithms/d2.h"
#include "valley/algorithms/dpsgd.h"
#include "valley/algorithms/dsgtm_tv.h"
#include "valley/algorithms/gradient_tracking.h"
#include "valley/algorithms/qg_dsgdm.h"
#include "valley/algorithms/registry.h"
#include "valley/algorithms/sgp.h"
#include "valley/algorithms/ssgd_noise.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::decentralized_facts_test {
namespace {

using Gradient = std::function<at::Tensor(int rank, const at::Tensor& x, int64_t step)>;
// Sees all workers' x [n, d] and gradients [n, d] in every step, before and after it.
using Watch =
    std::function<void(const at::Tensor& before, const at::Tensor& g, const at::Tensor& after)>;

struct Method {
  std::string algorithm;
  AlgorithmOptions options = {};
  double rate = 0.1;
  int64_t steps = 100;
};

// All workers' x [n, d] after plain gradient descent from the rows of `start`.
at::Tensor train(const Method& s, const at::Tensor& start, const Gradient& gradient,
                 const Watch& watch = {}) {
  at::Tensor end = start.clone();
  run_ranks(static_cast<int>(start.size(0)), [&](Communicator& comm) {
    const auto algorithm = make_algorithm(
        s.algorithm, s.options,
        {.total_steps = s.steps, .seed = 3, .learning_rate = [&](int64_t) { return s.rate; }});
    at::Tensor x = start[comm.rank()].clone();
    algorithm->join(comm, x);
    for (int64_t step = 0; step < s.steps; ++step) {
      const StepInfo info = {.step = step, .total_steps = s.steps};
      const at::Tensor before = x.clone();
      algorithm->before_gradient(info, x);
      at::Tensor g = gradient(comm.rank(), x, step).clone();
      const at::Tensor raw = g.clone();
      algorithm->on_gradient(info, x, g);
      x.sub_(g, s.rate);
      algorithm->after_step(info, x);
      if (watch) {
        const at::Tensor all_before = comm.all_gather(before), all_g = comm.all_gather(raw),
                         all_after = comm.all_gather(x);
        if (comm.rank() == 0) watch(all_before, all_g, all_after);
      }
    }
    end[comm.rank()].copy_(x);
  });
  return end;
}

at::Tensor vec(std::vector<double> v) { return at::tensor(v, at::kDouble); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }
at::Tensor zero(int, const at::Tensor& x, int64_t) { return at::zeros_like(x); }

Method dpsgd(const std::string& topology, MixingOrder order, double rate, int64_t steps) {
  return {"dpsgd", DpsgdOptions{.topology = topology, .mixing = order}, rate, steps};
}

// Worker m's loss is h_m (x - b_m)^2 / 2.
Gradient bowls(std::vector<double> h, std::vector<double> b) {
  return [=](int rank, const at::Tensor& x, int64_t) {
    const auto m = static_cast<size_t>(rank);
    return (x - b[m]) * h[m];
  };
}

std::string matrix_file(const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / "decentralized_facts_matrix.txt";
  std::ofstream(path) << text;
  return "matrix:" + path.string();
}

constexpr auto kAwc = MixingOrder::kAwc;
constexpr auto kAtc = MixingOrder::kAtc;
constexpr auto kCta = MixingOrder::kCta;

// Not quadratic, and another one in every worker and step.
at::Tensor wavy(int rank, const at::Tensor& x, int64_t step) {
  return at::tanh(x * 2 + normals(x.sizes().vec(), uint64_t(100 * step + rank))) + 0.1 * x;
}

TEST(DecentralizedFacts, OnTheCompleteGraphAtcAndCtaAreSsgdAndAwcIsNot) {
  const at::Tensor start = normals({1, 30}, 1).expand({5, 30}).contiguous();
  const at::Tensor ssgd = train({"ssgd", {}, 0.1, 100}, start, wavy).mean(0);
  // cta's gradient is taken after the mixing, so its workers stand where ssgd's do before each.
  const auto mean = [&](MixingOrder order) {
    return train(dpsgd("complete", order, 0.1, 100), start, wavy).mean(0);
  };
  EXPECT_LT(largest(mean(kAtc) - ssgd), 1e-9);
  EXPECT_LT(largest(mean(kCta) - ssgd), 1e-9);
  EXPECT_GT(largest(mean(kAwc) - ssgd), 1e-3);
}

TEST(DecentralizedFacts, TheIdentityLeavesEveryWorkerAlone) {
  const std::string alone = matrix_file("1 0 0\n0 1 0\n0 0 1\n");
  const at::Tensor start = normals({3, 10}, 1);
  for (const MixingOrder order : {kAwc, kAtc, kCta}) {
    const at::Tensor end = train(dpsgd(alone, order, 0.1, 20), start, wavy);
    for (int m = 0; m < 3; ++m) {
      at::Tensor x = start[m].clone();
      for (int64_t step = 0; step < 20; ++step) x.sub_(wavy(m, x, step), 0.1);
      EXPECT_TRUE(end[m].equal(x));
    }
  }
}

TEST(DecentralizedFacts, WithTheSameBatchesAllAreOne) {
  const at::Tensor start = normals({1, 10}, 1).expand({4, 10}).contiguous();
  const auto same = [](int, const at::Tensor& x, int64_t step) { return wavy(0, x, step); };
  const at::Tensor ssgd = train({"ssgd", {}, 0.1, 30}, start, same);
  for (const MixingOrder order : {kAwc, kAtc, kCta}) {
    EXPECT_LT(largest(train(dpsgd("ring", order, 0.1, 30), start, same) - ssgd), 1e-13);
  }
}

// x_A(t+1) - x_A(t) + alpha g_A(t) = 0, whatever the graph and the order.
TEST(DecentralizedFacts, TheMeanMovesByTheMeanOfTheSteps) {
  for (const char* topology : {"complete", "ring", "directed-ring", "exponential",
                               "one-peer-exponential", "star", "grid", "matching", "random"}) {
    for (const MixingOrder order : {kAwc, kAtc, kCta}) {
      train(dpsgd(topology, order, 0.3, 12), normals({6, 5}, 2), wavy,
            [&](const at::Tensor& before, const at::Tensor& g, const at::Tensor& after) {
              EXPECT_LT(largest(after.mean(0) - before.mean(0) + 0.3 * g.mean(0)), 1e-14)
                  << topology;
            });
    }
  }
}

TEST(DecentralizedFacts, TheMeanLawHoldsWithCompression) {
  for (const char* compress : {"none", "top-k:0.2", "random-k:0.2", "sign", "int8"}) {
    train({"choco", ChocoOptions{.topology = "ring", .compress = compress, .consensus_step = 0.3},
           0.3, 12},
          normals({1, 5}, 2).expand({5, 5}).contiguous(), wavy,
          [&](const at::Tensor& before, const at::Tensor& g, const at::Tensor& after) {
            EXPECT_LT(largest(after.mean(0) - before.mean(0) + 0.3 * g.mean(0)), 1e-13) << compress;
          });
  }
}

// f = x^2 / 2 on a ring of 8, near 1: awc is stable below 1 + lambda_min = 2/3, atc below 2.
TEST(DecentralizedFacts, LimitsOfStabilityOnARing) {
  const at::Tensor start = 1 + 1e-3 * normals({8, 20}, 4);
  const auto end = [&](MixingOrder order, double rate) {
    const auto f = [](int, const at::Tensor& x, int64_t) { return x; };
    return largest(train(dpsgd("ring", order, rate, 400), start, f));
  };
  EXPECT_LT(end(kAwc, 0.6), 1e-6);
  EXPECT_GT(end(kAwc, 0.7), 1);
  EXPECT_LT(end(kAtc, 1.9), 1e-6);
  EXPECT_GT(end(kAtc, 2.01), 1);
  EXPECT_LT(end(kCta, 1.9), 1e-6);
}

// (I + P) / 2 has lambda_min 1/3 on that ring: awc is stable below 4/3.
TEST(DecentralizedFacts, LazyMixingWidensAwcsLimit) {
  const at::Tensor start = 1 + 1e-3 * normals({8, 20}, 4);
  const auto end = [&](double rate) {
    Method s = dpsgd("ring", kAwc, rate, 400);
    s.options.as<DpsgdOptions>().lazy = true;
    return largest(train(s, start, [](int, const at::Tensor& x, int64_t) { return x; }));
  };
  EXPECT_LT(end(1.25), 1e-6);
  EXPECT_GT(end(1.4), 1);
}

// f = x^2 / 2 + N(0, 1) noise in the gradient, a ring of 5, alpha .3.
TEST(DecentralizedFacts, StationarySpreadOnARing) {
  const int64_t d = 40000;  // as many independent copies
  const auto f = [](int rank, const at::Tensor& x, int64_t step) {
    return x + normals(x.sizes().vec(), uint64_t(1000 * step + rank));
  };
  for (const auto& [order, spread] : {std::pair{kAwc, 0.08658}, {kAtc, 0.01377}}) {
    const at::Tensor x = train(dpsgd("ring", order, 0.3, 40), at::zeros({5, d}, at::kDouble), f);
    const at::Tensor mean = x.mean(0);
    const double measured = (x - mean).square().mean().item<double>();
    EXPECT_NEAR(measured, spread, 0.02 * spread);
    EXPECT_NEAR(mean.square().mean().item<double>(), 0.03529, 0.03 * 0.03529);
  }
}

TEST(DecentralizedFacts, FixedPointsOfTwoBowls) {
  const Gradient f = bowls({1, 1}, {-1, 1});
  const at::Tensor start = at::zeros({2, 1}, at::kDouble);
  const auto end = [&](const std::string& topology, MixingOrder order) {
    return train(dpsgd(topology, order, 0.1, 400), start, f).flatten();
  };
  EXPECT_LT(largest(end("complete", kAwc) - vec({-0.0909091, 0.0909091})), 1e-7);
  EXPECT_LT(largest(end("complete", kAtc)), 1e-12);
  const std::string quarter = matrix_file("0.75 0.25\n0.25 0.75\n");
  EXPECT_LT(largest(end(quarter, kAwc) - vec({-0.1666667, 0.1666667})), 1e-7);
  EXPECT_LT(largest(end(quarter, kAtc) - vec({-0.0909091, 0.0909091})), 1e-7);
}

class FiveBowls : public testing::Test {
 protected:
  const Gradient f = bowls({1, 2, 3, 4, 5}, {5, -3, 2, 0, 1});  // the sum is lowest at 2/3
  const at::Tensor start = at::zeros({5, 1}, at::kDouble);
};

TEST_F(FiveBowls, DpsgdStaysBesideTheMinimum) {
  const auto end = [&](MixingOrder order) {
    return train(dpsgd("ring", order, 0.05, 500), start, f).flatten();
  };
  EXPECT_LT(largest(end(kAwc) - vec({0.8602, 0.3001, 0.7299, 0.5882, 0.7994})), 6e-5);
  EXPECT_LT(largest(end(kAtc) - vec({0.6428, 0.6214, 0.5228, 0.7058, 0.7446})), 6e-5);
}

TEST_F(FiveBowls, GradientTrackingAndD2FindIt) {
  for (const MixingOrder order : {kAwc, kAtc}) {
    const Method s = {"gradient-tracking",
                      GradientTrackingOptions{.topology = "ring", .mixing = order}, 0.02, 900};
    EXPECT_LT(largest(train(s, start, f) - 2.0 / 3), 1e-6);
  }
  EXPECT_LT(largest(train({"d2", D2Options{.topology = "ring"}, 0.05, 500}, start, f) - 2.0 / 3),
            1e-6);
}

TEST_F(FiveBowls, DsgtmTvFindsItOverDirectedGraphsThatChange) {
  for (const auto& [topology, beta] : {std::pair{"random-directed", 0.0},
                                       {"random-directed", 0.2},
                                       {"one-peer-exponential", 0.2},
                                       {"directed-ring", 0.2}}) {
    const DsgtmTvOptions options = {.topology = topology, .tracking_momentum = beta};
    EXPECT_LT(largest(train({"dsgtm-tv", options, 0.02, 900}, start, f) - 2.0 / 3), 1e-6)
        << topology << beta;
  }
}

// The mean of z is drawn to the minimum of the sum; every z stands about a step's length from it.
TEST_F(FiveBowls, SgpComesNearOverDirectedGraphs) {
  const auto off = [&](MixingOrder order, double rate, int64_t steps) {
    const SgpOptions options = {.topology = "random-directed", .mixing = order};
    return largest(train({"sgp", options, rate, steps}, start, f) - 2.0 / 3);
  };
  for (const MixingOrder order : {kAtc, kAwc}) {
    EXPECT_LT(off(order, 0.02, 200), order == kAtc ? 0.2 : 0.3);
    EXPECT_LT(off(order, 0.002, 4000), 0.03);
  }
}

// L = s log cosh(w / s), s = .1, from .37 with learning rate 1 and 16 workers. Where the step is
// too long for the valley ssgd jumps from side to side, -.5 and .5, with L = .43. Noise of its own
// in every worker keeps them apart, and then the mean of their gradients is smaller: the mean comes
// down. Without noise they stay together and nobody comes down.
TEST(DecentralizedFacts, SpreadWorkersComeDownIntoANarrowValley) {
  constexpr double kWidth = 0.1;
  const auto mean_loss = [&](const Method& s, double noise) {
    const Gradient gradient = [&](int rank, const at::Tensor& x, int64_t step) {
      const at::Tensor draw = normals({1}, static_cast<uint64_t>(1000 * step + rank));
      return at::tanh(x / kWidth) + noise * draw;
    };
    double sum = 0;
    train(s, at::full({16, 1}, 0.37, at::kDouble), gradient,
          [&](const at::Tensor&, const at::Tensor&, const at::Tensor& after) {
            sum += kWidth * std::log(std::cosh(after.mean().item<double>() / kWidth));
          });
    return sum / double(s.steps);
  };
  const Method ssgd = {"ssgd", {}, 1, 300}, pair = dpsgd("matching", kAwc, 1, 300),
               ring = dpsgd("ring", kAwc, 1, 300);
  EXPECT_NEAR(mean_loss(ssgd, 0.3), 0.4265, 0.01);
  EXPECT_NEAR(mean_loss(pair, 0.3), 0.072, 0.02);
  EXPECT_NEAR(mean_loss(ring, 0.3), 0.21, 0.1);
  for (Method s : {ssgd, pair, ring}) {
    s.steps = 20;
    EXPECT_NEAR(mean_loss(s, 0), 0.4307, 1e-3);
  }
}

TEST(DecentralizedFacts, TheTrackersSumIsTheSumOfTheNewestGradients) {
  for (const char* algorithm : {"gradient-tracking", "dsgtm-tv"}) {
    run_ranks(4, [&](Communicator& comm) {
      const auto tracker =
          make_algorithm(algorithm,
                         find_algorithm(algorithm).with({{"topology", "one-peer-exponential"},
                                                         {"mixing", "awc"},
                                                         {"tracking-momentum", 0.3}}),
                         {.seed = 3});
      at::Tensor x = normals({6}, uint64_t(comm.rank()));
      tracker->join(comm, x);
      for (int64_t step = 0; step < 20; ++step) {
        tracker->before_gradient({.step = step}, x);
        at::Tensor g = wavy(comm.rank(), x, step);
        const at::Tensor raw = g.clone();
        tracker->on_gradient({.step = step}, x, g);
        x.sub_(g, 0.1);
        tracker->after_step({.step = step}, x);
        comm.all_reduce_mean(g);
        comm.all_reduce_mean(raw);
        EXPECT_LT(largest(g - raw), 1e-14);
      }
    });
  }
}

TEST(DecentralizedFacts, PushSumFindsTheMeanWhereMixingAloneDoesNot) {
  const at::Tensor start = normals({5, 7}, 8);
  for (const MixingOrder order : {kAtc, kAwc}) {
    const SgpOptions options = {.topology = "random-directed", .mixing = order};
    EXPECT_LT(largest(train({"sgp", options, 0.1, 200}, start, zero) - start.mean(0)), 1e-12);
  }
}

TEST(DecentralizedFacts, SgpOnDoublyStochasticGraphsIsDpsgdOfTheSameOrder) {
  const at::Tensor start = normals({5, 7}, 8);
  for (const MixingOrder order : {kAtc, kAwc}) {
    const SgpOptions options = {.topology = "ring", .mixing = order};
    const at::Tensor sgp = train({"sgp", options, 0.1, 30}, start, wavy);
    EXPECT_LT(largest(sgp - train(dpsgd("ring", order, 0.1, 30), start, wavy)), 1e-13);
  }
}

// Ring of 5, d = 8, one value of eight is sent, gamma .15.
TEST(DecentralizedFacts, ChocoReachesConsensusThroughOneValueAtATime) {
  const at::Tensor spread = normals({5, 8}, 9);
  // The replicas begin at the common start: one step brings the workers apart.
  const auto first = [&](int rank, const at::Tensor& x, int64_t step) {
    return step == 0 ? spread[rank] : at::zeros_like(x);
  };
  const ChocoOptions options = {
      .topology = "ring", .compress = "top-k:0.125", .consensus_step = 0.15};
  const at::Tensor end = train({"choco", options, 1, 500}, at::zeros({5, 8}, at::kDouble), first);
  EXPECT_LT((end - end.mean(0)).square().sum().item<double>(), 1e-25);
  EXPECT_LT(largest(end.mean(0) + spread.mean(0)), 1e-13);
}

// Two workers of two values, the larger one is sent, gamma 1/2, P = 1/2 everywhere. Both begin at
// (4, 1), and worker 0's only step takes it to (4, 2).
TEST(DecentralizedFacts, ChocoByHandWithReplicasFromTheStartAndFromZero) {
  const auto first = [](int rank, const at::Tensor& x, int64_t step) {
    return step == 0 && rank == 0 ? vec({0, -1}) : at::zeros_like(x);
  };
  const at::Tensor start = vec({4, 1}).expand({2, 2}).contiguous();
  const auto x_after = [&](Replicas replicas, const std::string& compress, int64_t steps) {
    const ChocoOptions options = {
        .topology = "complete", .compress = compress, .consensus_step = 0.5, .replicas = replicas};
    return train({"choco", options, 1, steps}, start, first);
  };
  const auto rows = [](std::vector<double> v) { return vec(std::move(v)).view({2, 2}); };

  // From the start only (0, 1) is new, and is sent at once: xh_0 = (4, 2), xh_1 = (4, 1), and the
  // second value moves by gamma (1.5 - xh). Then what is left, -.25 and .25, is sent:
  // xh = 1.75, 1.25, s = 1.5, which moves x by -.125 and .125.
  EXPECT_TRUE(x_after(Replicas::kInitial, "top-k:0.5", 1).equal(rows({4, 1.75, 4, 1.25})));
  EXPECT_TRUE(x_after(Replicas::kInitial, "top-k:0.5", 2).equal(rows({4, 1.625, 4, 1.375})));

  // From zero the first value of both, 4, is the larger one: xh = (4, 0) everywhere and nobody
  // moves. The second step sends 2 and 1, and does what the first did above.
  EXPECT_TRUE(x_after(Replicas::kZero, "top-k:0.5", 1).equal(rows({4, 2, 4, 1})));
  EXPECT_TRUE(x_after(Replicas::kZero, "top-k:0.5", 2).equal(rows({4, 1.75, 4, 1.25})));

  // Where everything is sent it does not matter.
  for (int64_t steps = 1; steps <= 4; ++steps) {
    EXPECT_TRUE(
        x_after(Replicas::kZero, "none", steps).equal(x_after(Replicas::kInitial, "none", steps)));
  }
}

// Without a gradient: growth where beta + mu > 1, none below. What the refusal of the pair is for.
TEST(DecentralizedFacts, TwoMomentaFeedEachOtherUnlessTheirSumIsBelowOne) {
  const auto displacement = [](double beta, double mu, int64_t steps) {
    const auto solo = make_solo();
    const auto method =
        make_qg_dsgdm({.quasi_momentum = beta},
                      {.total_steps = steps, .learning_rate = [](int64_t) { return 0.1; }});
    at::Tensor x = at::zeros({1}, at::kDouble), b = at::zeros_like(x);
    method->join(*solo, x);
    for (int64_t step = 0; step < steps; ++step) {
      at::Tensor g = at::full({1}, step == 0 ? 1.0 : 0.0, at::kDouble);
      method->on_gradient({.step = step}, x, g);
      b.mul_(mu).add_(g);
      x.sub_(b, 0.1);
      method->after_step({.step = step}, x);
    }
    return -x.item<double>();
  };
  // One unit of gradient moves x by .1 / (1 - beta - mu) in the end.
  EXPECT_NEAR(displacement(0.9, 0, 3000), 1, 1e-9);
  EXPECT_NEAR(displacement(0.5, 0.4, 3000), 1, 1e-9);
  EXPECT_GT(displacement(0.9, 0.9, 300), 1e20);

  const auto error = [](double beta, double mu) {
    return error_of<UsageError>(
        [&] { require_stable_momentum("qg-dsgdm", QgDsgdmOptions{.quasi_momentum = beta}, mu); });
  };
  EXPECT_EQ(error(0.9, 0), "no error");
  EXPECT_EQ(error(0.5, 0.4), "no error");
  EXPECT_EQ(error(0, 0.99), "no error");
  EXPECT_EQ(error(0.5, 0.5),
            "momentum 0.5 beside the momentum 0.5 of qg-dsgdm itself diverges: their sum must be "
            "below 1 (momentum 0 is the method as its authors have it)");
  EXPECT_EQ(error_of<UsageError>([] { require_stable_momentum("dpsgd", {}, 0.9); }), "no error");
}

TEST(DecentralizedFacts, QuasiGlobalMomentumByHand) {
  // One worker, f = x^2 / 2, alpha .5, beta .5 from x = 1: g = 1, m = 0 -> x = .5,
  // m = .5 (1 - .5) / .5 = .5; g = .5 + .25 = .75 -> x = .125, m = .25 + .5 * .375 / .5 = .625;
  // g = .125 + .3125 -> x = -.09375.
  const at::Tensor one = at::ones({1, 1}, at::kDouble);
  const auto f = [](int, const at::Tensor& x, int64_t) { return x; };
  const QgDsgdmOptions options = {.quasi_momentum = 0.5};
  EXPECT_EQ(train({"qg-dsgdm", options, 0.5, 1}, one, f).item<double>(), 0.5);
  EXPECT_EQ(train({"qg-dsgdm", options, 0.5, 2}, one, f).item<double>(), 0.125);
  EXPECT_EQ(train({"qg-dsgdm", options, 0.5, 3}, one, f).item<double>(), -0.09375);
}

TEST(DecentralizedFacts, SsgdNoiseTakesTheGradientAtNoisyPointsAndTheStepFromX) {
  const int64_t d = 20000;
  const at::Tensor start = normals({1, d}, 1).expand({3, d}).contiguous();
  at::Tensor seen = at::zeros({3, d}, at::kDouble);
  const auto f = [&](int rank, const at::Tensor& x, int64_t) {
    seen[rank].copy_(x);
    return at::ones_like(x);
  };
  const at::Tensor end = train({"ssgd-noise", SsgdNoiseOptions{.noise = 0.2}, 0.5, 1}, start, f);
  EXPECT_TRUE(end.equal(start - 0.5));
  const at::Tensor noise = seen - start;
  for (int m = 0; m < 3; ++m) {
    EXPECT_NEAR(noise[m].square().mean().item<double>(), 0.04, 0.04 * 0.05);
    EXPECT_NEAR(noise[m].mean().item<double>(), 0, 0.2 * 4 / std::sqrt(double(d)));
    EXPECT_NEAR((noise[m] * noise[(m + 1) % 3]).mean().item<double>(), 0, 0.04 * 0.05);
  }
}

TEST(DecentralizedErrors, EachInOneLine) {
  const auto error = [](const std::string& algorithm, const AlgorithmOptions& options,
                        int workers) {
    return error_of<UsageError>([&] { check_algorithm(algorithm, options, workers, 0); });
  };
  EXPECT_EQ(error("d2", D2Options{.topology = "ring"}, 4),
            "topology ring with 4 workers has lambda_min -0.333333; d2 needs more than -1/3 "
            "(lazy mixes with (I + P) / 2)");
  EXPECT_EQ(error("d2", D2Options{.topology = "ring", .lazy = true}, 4), "no error");
  EXPECT_EQ(error("d2", D2Options{.topology = "ring"}, 5), "no error");
  for (const char* topology : {"one-peer-exponential", "directed-ring"}) {
    EXPECT_EQ(error("d2", D2Options{.topology = topology}, 4),
              std::string("topology ") + topology +
                  " changes over time or is directed; d2 needs one undirected graph");
  }
  EXPECT_EQ(error("choco", ChocoOptions{.topology = "matching"}, 4),
            "topology matching changes over time; choco needs one that stays, because neighbours "
            "keep replicas");
  for (const char* algorithm : {"dpsgd", "gradient-tracking", "d2", "qg-dsgdm", "choco"}) {
    EXPECT_EQ(
        error(algorithm, find_algorithm(algorithm).with({{"topology", "random-directed"}}), 4),
        std::string("topology random-directed keeps no mean by itself, which ") + algorithm +
            " needs: use sgp or dsgtm-tv");
  }
  EXPECT_EQ(error("gradient-tracking", GradientTrackingOptions{.mixing = kCta}, 4),
            "mixing cta is not a form of gradient-tracking: awc or atc");
  EXPECT_EQ(error("sgp", SgpOptions{.mixing = kCta}, 4),
            "mixing cta is not a form of sgp: awc or atc");
  EXPECT_EQ(error_of<UsageError>([] { kMixingOrders.parse("act"); }),
            "unknown mixing order 'act'; did you mean 'awc'? known: awc, atc, cta");
}

}  // namespace
}  // namespace valley::decentralized_facts_test
