// Gradients of which little is sent: sparsign, cd-adam, and their parts.

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <vector>

#include "valley/algorithms/squeeze.h"
#include "valley/algorithms/ternary.h"
#include "valley/algorithms/testing/descend.h"
#include "valley/compression/payload.h"
#include "valley/testing/normals.h"

namespace valley::compressed_gradients_test {
namespace {

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

std::unique_ptr<Algorithm> make(const std::string& name, const MethodValues& values) {
  return make_algorithm(
      name, find_algorithm(name).with(values),
      {.total_steps = 100, .seed = 3, .learning_rate = [](int64_t) { return 0.1; }});
}

at::Tensor entry(const Algorithm& algorithm, const std::string& name) {
  return state_entry(algorithm.state(), name, at::kDouble, -1).clone();
}

TEST(Ternary, PacksFourValuesAByte) {
  for (int64_t d = 1; d <= 9; ++d) {
    const at::Tensor x = normals({d}, uint64_t(d)).mul(1.5).round().clamp(-1, 1);
    const at::Tensor packed = pack_ternary(x);
    EXPECT_EQ(packed.numel(), ternary_bytes(d));
    EXPECT_EQ(packed.scalar_type(), at::kByte);
    at::Tensor sum = at::full({d}, 2.0, at::kDouble);
    add_ternary(packed, sum);
    EXPECT_TRUE(sum.equal(x + 2));
  }
}

// Gradients -1, -1 and 10 with B = .1: up .81, nowhere .18, down .01.
TEST(Sparsign, TheMajorityOfThree) {
  constexpr int64_t kDraws = 40'000;
  run_ranks(3, [&](Communicator& comm) {
    const auto sparsign = make("sparsign", {{"vote-budget", 0.1}, {"vote-majority", true}});
    at::Tensor x = at::zeros({kDraws}, at::kDouble);
    sparsign->join(comm, x);
    at::Tensor g = at::full({kDraws}, comm.rank() == 2 ? 10.0 : -1.0, at::kDouble);
    sparsign->on_gradient({}, x, g);
    const auto share = [&](double value) {
      return g.eq(value).to(at::kDouble).mean().item<double>();
    };
    EXPECT_NEAR(share(1), 0.81, 0.01);
    EXPECT_NEAR(share(0), 0.18, 0.01);
    EXPECT_NEAR(share(-1), 0.01, 0.003);
  });
}

// What was applied and what is left together are the votes, whose mean is the mean gradient.
TEST(Sparsign, TheErrorIsNotLost) {
  run_ranks(2, [](Communicator& comm) {
    const auto sparsign = make("sparsign", {{"vote-budget", 0.5}});
    const at::Tensor gradient = normals({30}, uint64_t(comm.rank())).clamp(-2, 2);
    at::Tensor x = at::zeros({30}, at::kDouble), applied = at::zeros_like(x),
               mean = gradient.clone();
    comm.all_reduce_mean(mean);
    sparsign->join(comm, x);
    constexpr int64_t kSteps = 1500;
    for (int64_t step = 0; step < kSteps; ++step) {
      at::Tensor g = gradient.clone();
      sparsign->on_gradient({.step = step}, x, g);
      EXPECT_EQ(largest(g.abs() * (g.abs() - g.abs().max())), 0);  // one modulus, or 0
      applied.add_(g);
    }
    // A vote is -2, 0 or 2; the deviation of a mean of 2 x 1500 of them is below .037.
    EXPECT_LT(largest((applied + entry(*sparsign, "error")) / kSteps - mean), 0.15);
  });
}

TEST(Squeeze, NothingIsLostOnEitherWay) {
  for (const char* compress : {"none", "sign", "top-k:0.3", "random-k:0.3"}) {
    run_ranks(3, [&](Communicator& comm) {
      Squeeze squeeze(compress, 5);
      const at::Tensor v = normals({11}, uint64_t(comm.rank()));
      squeeze.join(comm, v);
      at::Tensor left = v.clone();
      const at::Tensor came = squeeze.to_owners(left, 1);
      at::Tensor sent = v - left;
      comm.all_reduce_mean(sent);
      EXPECT_LT(largest(came - squeeze.own(sent)), 1e-14);
      at::Tensor said = at::zeros_like(v), rest = came.clone();
      squeeze.to_all(rest, 1, said);
      EXPECT_LT(largest(squeeze.own(said) + rest - came), 1e-14);
      EXPECT_TRUE(comm.all_gather(said).eq(said).all().item<bool>());
      if (std::string(compress) == "none") {
        EXPECT_LT(largest(said - sent), 1e-15);
      }
    });
  }
}

// m <- .9 m + .1 g, v <- .999 v + .001 g^2, v^ <- max(v^, v), x <- x - a m / sqrt(v^ + 1e-8), with
// g the mean gradient.
TEST(CdAdam, WithoutACompressorIsAmsGradOnTheMeanGradient) {
  const auto gradient = [](int rank, const at::Tensor& x, int64_t step) {
    return (x * (1 + rank) + double(step)).cos();
  };
  const at::Tensor start = normals({1, 7}, 1).expand({3, 7}).contiguous();
  at::Tensor x = start[0].clone(), m = at::zeros_like(x), v = at::zeros_like(x), most = v.clone();
  for (int64_t step = 0; step < 30; ++step) {
    const at::Tensor g = (gradient(0, x, step) + gradient(1, x, step) + gradient(2, x, step)) / 3;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    most = at::maximum(most, v);
    x = x - 0.1 * m / (most + 1e-8).sqrt();
  }
  const at::Tensor end = descend({"cd-adam", {{"compress", "none"}}, 0.1, 30}, start, gradient);
  EXPECT_LT(largest(end - x), 1e-11);
}

TEST(CdAdam, CopiesAreTheSameToTheBitAndTheMinimumIsFound) {
  const auto gradient = [](int rank, const at::Tensor& x, int64_t) { return x - double(rank); };
  for (const char* compress : {"sign", "top-k:0.3"}) {
    const at::Tensor end = descend({"cd-adam", {{"compress", compress}}, 0.03, 600},
                                   at::full({3, 9}, 3.0, at::kDouble), gradient);
    EXPECT_TRUE(end.eq(end[0]).all().item<bool>());
    EXPECT_LT(largest(end - 1), 0.02) << compress;
  }
}

}  // namespace
}  // namespace valley::compressed_gradients_test
