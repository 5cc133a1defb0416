// What theory says of the pull-push round, with the paper's example alpha = 0.1, lambda = 0.5, so
// lambda / alpha = 5, in float64. X is the matrix of all workers' vectors, [M, d]; row = worker.

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "valley/algorithms/pull_push.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::pull_push_facts_test {
namespace {

constexpr double kAlpha = 0.1, kLambda = 0.5, kRatio = kLambda / kAlpha;

at::Tensor rotation(int64_t d, uint64_t seed) {
  return std::get<0>(at::linalg_qr(normals({d, d}, seed)));
}

at::Tensor mean(const at::Tensor& X) { return X.mean(0); }                              // [d]
at::Tensor away(const at::Tensor& X) { return X - mean(X); }                            // [M, d]
at::Tensor radii(const at::Tensor& X) { return away(X).square().sum(1).sqrt(); }        // [M]
at::Tensor directions(const at::Tensor& X) { return away(X) / radii(X).unsqueeze(1); }  // [M, d]
double width(const at::Tensor& X) { return radii(X).mean().item<double>(); }            // W
double length(const at::Tensor& x) { return x.square().sum().sqrt().item<double>(); }
double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

// Moves worker `rank` before round k.
using LocalSteps = std::function<void(int64_t k, int rank, at::Tensor& x)>;
// Sees all workers after round k.
using Watch = std::function<void(int64_t k, const at::Tensor& X)>;

class PullPushFacts : public testing::TestWithParam<std::string> {
 protected:
  bool fast() const { return GetParam() == "thread"; }

  // Over sockets a round costs milliseconds: the first case only, fewer rounds, coarser bounds.
  template <typename T>
  std::vector<T> some(std::vector<T> cases) const {
    return fast() ? cases : std::vector<T>{cases.front()};
  }

  std::vector<int> worlds() const { return some<int>({3, 5, 6}); }  // no powers of two

  void run(int workers, const std::function<void(Communicator&)>& fn) const {
    run_ranks(workers, fn, GetParam());
  }

  // The workers after `rounds` rounds from the rows of X.
  at::Tensor play(const at::Tensor& X, int64_t rounds, const PullPushOptions& options,
                  const LocalSteps& local_steps = {}, const Watch& watch = {}) const {
    at::Tensor end = X.clone();
    run(static_cast<int>(X.size(0)), [&](Communicator& comm) {
      PullPush pull_push(options);
      at::Tensor x = X[comm.rank()].clone();
      for (int64_t k = 0; k < rounds; ++k) {
        if (local_steps) local_steps(k, comm.rank(), x);
        pull_push.round(x, comm);
        if (!watch) continue;
        const at::Tensor all = comm.all_gather(x);
        if (comm.rank() == 0) watch(k, all);
      }
      end[comm.rank()].copy_(x);
    });
    return end;
  }

  at::Tensor play(const at::Tensor& X, int64_t rounds) const {
    return play(X, rounds, {.pull = kAlpha, .push = kLambda});
  }
};

// A1: W_k = lambda/alpha + (1 - alpha)^k (W_0 - lambda/alpha).
TEST_P(PullPushFacts, TwoWorkersFollowTheClosedForm) {
  for (double start : {12.0, 0.3}) {  // from above and from below
    const at::Tensor middle = normals({1, 7}, 1);
    at::Tensor u = normals({1, 7}, 2);
    u /= length(u);
    const at::Tensor X = at::cat({middle + start * u, middle - start * u});
    play(X, 60, {.pull = kAlpha, .push = kLambda}, {}, [&](int64_t k, const at::Tensor& now) {
      const double expected = kRatio + std::pow(1 - kAlpha, k + 1) * (start - kRatio);
      EXPECT_NEAR(width(now), expected, 1e-9);
      EXPECT_LT(largest(mean(now) - middle[0]), 1e-12);
      EXPECT_LT(largest(directions(now)[0] - u[0]), 1e-12);
      EXPECT_LT(largest(directions(now)[1] + u[0]), 1e-12);
    });
  }
}

// A2: the distances settle at lambda/alpha, the directions cancel, and the potential
// V = sum_m [alpha/2 r^2 - lambda r] falls in every round to -M lambda^2 / (2 alpha).
TEST_P(PullPushFacts, ManyWorkersSettleAtTheRatioOfPushAndPull) {
  for (int workers : worlds()) {
    for (int64_t d : some<int64_t>({3, 2, 10})) {
      const at::Tensor X = normals({workers, d}, static_cast<uint64_t>(10 * workers + d));
      const auto potential = [](const at::Tensor& x) {
        const at::Tensor r = radii(x);
        return (kAlpha / 2 * r.square() - kLambda * r).sum().item<double>();
      };
      double last = potential(X);
      const Watch falls = [&](int64_t k, const at::Tensor& now) {
        const double v = potential(now);
        EXPECT_LE(v, last + 1e-13) << "round " << k << " of " << workers << " workers";
        if (k < 10) {
          EXPECT_LT(v, last);
        }
        last = v;
      };
      const at::Tensor end =
          play(X, fast() ? 600 : 200, {.pull = kAlpha, .push = kLambda}, {}, falls);
      const double error = fast() ? 1e-6 : 1e-3;

      EXPECT_LT(largest(radii(end) - kRatio), error) << workers << " workers, d = " << d;
      EXPECT_LT(length(directions(end).mean(0)), error);
      EXPECT_NEAR(potential(end), -workers * kLambda * kLambda / (2 * kAlpha), error);
      double squares = 0;
      for (int i = 0; i < workers; ++i) {
        for (int j = i + 1; j < workers; ++j) {
          const double side = length(end[i] - end[j]);
          squares += side * side;
          if (workers == 3) {
            EXPECT_NEAR(side, 8.66025, 10 * error);  // equilateral triangle
          }
        }
      }
      EXPECT_NEAR(squares, 25.0 * workers * workers, 100 * error);
    }
  }
}

// A3: on a line, p workers against q: W = lambda/alpha * 4 p q / M^2.
TEST_P(PullPushFacts, OnALineTheWidthFollowsTheSplit) {
  struct Case {
    std::vector<double> start;
    double width;
  };
  for (const Case& c : some<Case>({{{1, 1.2, -3}, 4.4444},
                                   {{1, 1.1, 1.2, -4}, 3.75},
                                   {{1, 2, -1, -2}, 5},
                                   {{1, 1.1, 1.2, 1.3, -5}, 3.2},
                                   {{1, 1.1, 1.2, -2, -1.5}, 4.8},
                                   {{1, 1.1, 1.2, 1.3, -3, -2}, 4.4444}})) {
    const int64_t workers = static_cast<int64_t>(c.start.size());
    at::Tensor X = at::zeros({workers, 3}, at::kDouble);
    X.select(1, 1).copy_(at::tensor(c.start, at::kDouble));
    EXPECT_NEAR(width(play(X, 150)), c.width, 5e-5) << workers;
  }
}

// A4: with alpha = 1 the push is all that is left.
TEST_P(PullPushFacts, FullPullLeavesExactlyThePush) {
  for (int workers : worlds()) {
    const at::Tensor X = normals({workers, 9}, 4);
    const at::Tensor end = play(X, 1, {.pull = 1, .push = kLambda});
    const at::Tensor distance = (end - mean(X)).square().sum(1).sqrt();
    EXPECT_LT(largest(distance - kLambda), 1e-14);
  }
}

// A5: gradient descent in h/2 ||x||^2 between the rounds, rho = (1 - eta h)^tau:
// W = lambda / (1 - (1 - alpha) rho).
TEST_P(PullPushFacts, ABowlNarrowsTheValley) {
  struct Case {
    double eta, h;
    int tau;
    double width;
  };
  for (const Case& c :
       some<Case>({{.05, 1, 4, 1.873049}, {.01, 2, 8, 2.133895}, {.001, 1, 16, 4.374740}})) {
    const at::Tensor end =
        play(normals({2, 5}, 5), fast() ? 300 : 100, {.pull = kAlpha, .push = kLambda},
             [&](int64_t, int, at::Tensor& x) {
               for (int i = 0; i < c.tau; ++i) x -= c.eta * c.h * x;
             });
    const double rho = std::pow(1 - c.eta * c.h, c.tau);
    EXPECT_NEAR(width(end), kLambda / (1 - (1 - kAlpha) * rho), 1e-9);
    EXPECT_NEAR(width(end), c.width, 1e-6);
  }
}

TEST_P(PullPushFacts, AsTheLearningRateFallsTheBowlLetsGo) {
  const int64_t rounds = fast() ? 1000 : 200, tau = 4;
  const at::Tensor end = play(normals({2, 5}, 5), rounds, {.pull = kAlpha, .push = kLambda},
                              [&](int64_t k, int, at::Tensor& x) {
                                for (int64_t i = 0; i < tau; ++i) {
                                  const double p = double(k * tau + i) / double(rounds * tau);
                                  x -= 0.05 * (1 + std::cos(std::numbers::pi * p)) / 2 * x;
                                }
                              });
  EXPECT_NEAR(width(end), kRatio, fast() ? 0.01 : 0.1);
}

// A6: in a quadratic valley x^T H x / 2 two workers align with the flattest axis.
TEST_P(PullPushFacts, TwoWorkersAlignWithTheFlattestAxis) {
  const double eta = 0.05;
  const int tau = 4;
  const at::Tensor Q = rotation(4, 6);  // columns: the axes
  for (const auto& [flattest, expected] :
       some<std::pair<double, double>>({{0.2, 3.691029}, {0.0, 5.0}})) {
    const at::Tensor h = at::tensor({3.0, 1.5, 1.0, flattest}, at::kDouble);
    const at::Tensor H = Q.matmul((h * Q).t());
    const at::Tensor end =
        play(normals({2, 4}, 7), fast() ? 300 : 130, {.pull = kAlpha, .push = kLambda},
             [&](int64_t, int, at::Tensor& x) {
               for (int i = 0; i < tau; ++i) x -= eta * H.matmul(x);
             });
    EXPECT_NEAR(width(end), expected, 1e-6);
    const double along = directions(end)[0].dot(Q.select(1, 3)).item<double>();
    EXPECT_NEAR(std::abs(along), 1, 1e-9);
  }
}

// A6: with one flat axis the workers end on a line, so more than two reach only 4 p q / M^2.
TEST_P(PullPushFacts, OneFlatAxisPutsManyWorkersOnALine) {
  for (int workers : some<int>({3, 4})) {
    for (uint64_t seed : some<uint64_t>({1, 2, 3})) {
      const at::Tensor h = at::tensor({2.0, 1.0, 0.0}, at::kDouble);
      const at::Tensor end =
          play(normals({workers, 3}, seed), fast() ? 300 : 150, {.pull = kAlpha, .push = kLambda},
               [&](int64_t, int, at::Tensor& x) {
                 for (int i = 0; i < 4; ++i) x -= 0.1 * h * x;
               });
      const int positive = (away(end).select(1, 2) > 0).sum().item<int>();
      const double share = 4.0 * positive * (workers - positive) / (workers * workers);
      EXPECT_NEAR(width(end), kRatio * share, 1e-6);
      if (workers == 3) {
        EXPECT_NEAR(width(end), kRatio * 8 / 9, 1e-6);
      }
      if (workers == 4) {
        EXPECT_TRUE(positive >= 1 && positive <= 3);
      }
    }
  }
}

// A7: the simple push moves the average by lambda * ubar, the exact one not at all; the positions
// relative to the average are the same in both.
TEST_P(PullPushFacts, TheExactPushLeavesTheAverageInPlace) {
  for (int workers : worlds()) {
    for (double alpha : {kAlpha, 0.7, 1.0}) {
      const at::Tensor X = normals({workers, 8}, 8);
      const at::Tensor simple = play(X, 1, {.pull = alpha, .push = kLambda});
      const at::Tensor exact =
          play(X, 1, {.pull = alpha, .push = kLambda, .variant = PushVariant::kExact});
      const at::Tensor ubar = directions(X).mean(0);
      EXPECT_LT(largest(mean(exact) - mean(X)), 1e-14);
      EXPECT_LT(largest(mean(simple) - (mean(X) + kLambda * ubar)), 1e-14);
      EXPECT_LT(largest(away(simple) - away(exact)), 1e-14);
      const at::Tensor expected =
          X - alpha * away(X) + kLambda * (directions(X) - ubar);  // the formula itself
      EXPECT_LT(largest(exact - expected), 1e-14);
    }
  }
}

// A7: M (u_m - ubar) / M is what finite differences of R = mean_m ||x_m - x_A|| give.
TEST_P(PullPushFacts, TheExactPushIsTheGradientOfTheMeanDistance) {
  for (int workers : worlds()) {
    const at::Tensor X = normals({workers, 4}, 9);
    const at::Tensor exact =
        play(X, 1, {.pull = kAlpha, .push = kLambda, .variant = PushVariant::kExact});
    const at::Tensor push = (exact - X + kAlpha * away(X)) / kLambda;  // [M, d]
    const double h = 1e-5;
    for (int64_t m = 0; m < workers; ++m) {
      for (int64_t i = 0; i < 4; ++i) {
        at::Tensor up = X.clone(), down = X.clone();
        up[m][i] += h;
        down[m][i] -= h;
        const double slope = (width(up) - width(down)) / (2 * h);
        EXPECT_NEAR(push[m][i].item<double>(), workers * slope, 1e-8);
      }
    }
  }
}

// A8: nothing depends on who is who, on where the origin is, on the axes, or on the unit.
TEST_P(PullPushFacts, PermutationTranslationRotationAndScaleChangeNothing) {
  for (PushVariant variant : some<PushVariant>({PushVariant::kExact, PushVariant::kSimple})) {
    for (int workers : worlds()) {
      const int64_t d = 6, rounds = fast() ? 20 : 5;
      const PullPushOptions options = {.pull = kAlpha, .push = kLambda, .variant = variant};
      const at::Tensor X = normals({workers, d}, 10);
      const at::Tensor end = play(X, rounds, options);

      EXPECT_LT(largest(play(X.flip(0), rounds, options).flip(0) - end), 1e-12);
      EXPECT_LT(largest(play(X.roll(1, 0), rounds, options).roll(-1, 0) - end), 1e-12);

      const at::Tensor c = normals({d}, 11);
      EXPECT_LT(largest(play(X + c, rounds, options) - (end + c)), 1e-12);

      const at::Tensor Q = rotation(d, 12);
      EXPECT_LT(largest(play(X.matmul(Q), rounds, options) - end.matmul(Q)), 1e-12);

      // Coordinates in another order: the vector is one, whatever tensors it is made of.
      EXPECT_LT(largest(play(X.flip(1), rounds, options).flip(1) - end), 1e-12);

      PullPushOptions scaled = options;
      scaled.push = 4 * kLambda;  // a power of two: the same bits
      EXPECT_TRUE(at::equal(play(4 * X, rounds, scaled), 4 * end));
      scaled.push = 3 * kLambda;
      EXPECT_LT(largest(play(3 * X, rounds, scaled) - 3 * end), 1e-12);
    }
  }
}

// A8: lambda = 0 is averaging with strength alpha, bit for bit.
TEST_P(PullPushFacts, WithoutPushItIsTheBaseMethodBitForBit) {
  for (at::ScalarType dtype : some<at::ScalarType>({at::kFloat, at::kDouble})) {
    for (PushVariant variant : some<PushVariant>({PushVariant::kExact, PushVariant::kSimple})) {
      for (int workers : worlds()) {
        const at::Tensor X = normals({workers, 101}, 13).to(dtype);
        run(workers, [&](Communicator& comm) {
          at::Tensor x = X[comm.rank()].clone(), y = x.clone();
          PullPush pull_push({.pull = 0.3, .push = 0, .variant = variant});
          for (int k = 0; k < 10; ++k) {
            pull_push.round(x, comm);
            at::Tensor average = y.clone();
            comm.all_reduce_mean(average);
            y += (average - y) * 0.3;
          }
          EXPECT_TRUE(x.equal(y));

          PullPush full({.pull = 1, .push = 0, .variant = variant});
          full.round(x, comm);
          comm.all_reduce_mean(y);
          EXPECT_TRUE(x.equal(y));
        });
      }
    }
  }
}

// A10: noise N(0, s^2) on every coordinate before each round, d large: W solves
// r = (1 - alpha) sqrt(r^2 + s^2 d (M - 1) / M) + lambda; for M = 4, d = 400, s = 0.05 that
// is 5.599.
TEST_P(PullPushFacts, NoiseWidensTheValley) {
  const int workers = 4;
  const int64_t d = 400, rounds = fast() ? 1000 : 200, settled = fast() ? 300 : 100;
  std::vector<Random> random;
  for (int m = 0; m < workers; ++m) random.emplace_back(static_cast<uint64_t>(100 + m));
  double sum = 0;
  play(
      normals({workers, d}, 14) * 0.25, rounds, {.pull = kAlpha, .push = kLambda},
      [&](int64_t, int rank, at::Tensor& x) {
        double* values = x.data_ptr<double>();
        for (int64_t i = 0; i < d; ++i) {
          values[i] += 0.05 * random[static_cast<size_t>(rank)].normal();
        }
      },
      [&](int64_t k, const at::Tensor& X) { sum += k >= settled ? width(X) : 0; });
  EXPECT_NEAR(sum / double(rounds - settled), 5.599, fast() ? 0.02 : 0.06);
}

// rms_m r_m <= lambda/alpha + ((1 - alpha)/alpha) D, D the rms relative displacement between
// rounds.
TEST_P(PullPushFacts, TheWidthIsBoundedByTheLocalSteps) {
  for (int workers : worlds()) {
    for (PushVariant variant : some<PushVariant>({PushVariant::kExact, PushVariant::kSimple})) {
      const int64_t d = 6, rounds = 60;
      // A constant drift of every worker: the worst case, and the bound is nearly reached.
      at::Tensor drift = normals({workers, d}, 15);
      const double D = std::sqrt(away(drift).square().sum(1).mean().item<double>());
      const double bound = kRatio + (1 - kAlpha) / kAlpha * D;
      double largest_width = 0;
      play(
          normals({workers, d}, 16), rounds, {.pull = kAlpha, .push = kLambda, .variant = variant},
          [&](int64_t, int rank, at::Tensor& x) { x += drift[rank]; },
          [&](int64_t k, const at::Tensor& X) {
            const double rms = std::sqrt(radii(X).square().mean().item<double>());
            EXPECT_LE(rms, bound) << "round " << k;
            largest_width = std::max(largest_width, rms);
          });
      EXPECT_GT(largest_width, 0.95 * bound);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, PullPushFacts, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::pull_push_facts_test
