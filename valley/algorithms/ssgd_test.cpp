#include "valley/algorithms/ssgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "valley/algorithms/registry.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/testing/normals.h"
#include "valley/testing/run_ranks.h"

namespace valley::ssgd_test {
namespace {

constexpr int64_t kSize = 101;  // d, a prime: no bucket size divides it

// The parameters of a model, as parts of g; uneven.
std::vector<std::pair<int64_t, int64_t>> parts() {
  return {{0, 1}, {1, 40}, {40, 41}, {41, 43}, {43, 90}, {90, 98}, {98, kSize}};
}

// In which order backward finishes the parts, and which it tells of.
enum class Announce { kNone, kLastFirst, kFirstFirst, kAnyOrder, kSome };
constexpr Announce kAnnounce[] = {Announce::kNone, Announce::kLastFirst, Announce::kFirstFirst,
                                  Announce::kAnyOrder, Announce::kSome};

// Backward: writes the parts of `own` into g one after the other and tells of each at once.
void backward(Algorithm& ssgd, const at::Tensor& own, at::Tensor& g, Announce how, uint64_t seed) {
  auto order = parts();
  if (how == Announce::kLastFirst) std::reverse(order.begin(), order.end());
  if (how == Announce::kAnyOrder || how == Announce::kSome) {
    Random random(seed);
    for (size_t i = order.size() - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  }
  const size_t told = how == Announce::kNone ? 0 : how == Announce::kSome ? 3 : order.size();
  g.fill_(std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto [begin, end] = order[i];
    g.slice(0, begin, end).copy_(own.slice(0, begin, end));
    if (i < told) ssgd.on_gradient_part(g, begin, end);
  }
}

class Ssgd : public testing::TestWithParam<std::string> {
 protected:
  bool fast() const { return GetParam() == "thread"; }

  void run(int workers, const std::function<void(Communicator&)>& fn) const {
    run_ranks(workers, fn, GetParam());
  }
};

TEST_P(Ssgd, TheGradientIsTheMeanHoweverItTravels) {
  for (at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const double tolerance = dtype == at::kFloat ? 1e-6 : 1e-14;
    for (int workers : fast() ? std::vector{1, 2, 3, 4, 5} : std::vector{3}) {
      const at::Tensor all = normals({3, workers, kSize}, 1, dtype);  // three steps
      for (int64_t bucket_bytes :
           fast() ? std::vector{1, 100, 4 << 20} : std::vector{150, 4 << 20}) {
        run(workers, [&](Communicator& comm) {
          std::vector<at::Tensor> without_overlap;
          for (Announce how : kAnnounce) {
            const auto ssgd = make_ssgd({.bucket_bytes = bucket_bytes}, {});
            at::Tensor x = at::zeros({kSize}, dtype);
            ssgd->join(comm, x);
            for (int64_t step = 0; step < 3; ++step) {
              at::Tensor g = at::empty({kSize}, dtype);
              ssgd->before_gradient({.step = step}, x);
              backward(*ssgd, all[step][comm.rank()], g, how,
                       static_cast<uint64_t>(10 * step + comm.rank()));
              ssgd->on_gradient({.step = step}, x, g);
              ssgd->after_step({.step = step}, x);

              const at::Tensor expected = all[step].to(at::kDouble).mean(0);
              EXPECT_LT((g.to(at::kDouble) - expected).abs().max().item<double>(), tolerance);
              if (how == Announce::kNone) without_overlap.push_back(g);
              EXPECT_TRUE(g.equal(without_overlap[static_cast<size_t>(step)]));
              EXPECT_TRUE(comm.all_gather(g).eq(g).all().item<bool>());
              EXPECT_EQ(ssgd->rounds(), step + 1);
            }
            EXPECT_TRUE(x.equal(at::zeros({kSize}, dtype)));  // x is the optimizer's
          }
        });
      }
    }
  }
}

TEST_P(Ssgd, ALoopWithOnlyOnGradientAveragesInEveryStep) {
  run(3, [](Communicator& comm) {
    const auto ssgd = make_ssgd({.bucket_bytes = 100}, {});
    at::Tensor x = at::zeros({kSize}, at::kDouble);
    ssgd->join(comm, x);
    for (int64_t step = 0; step < 3; ++step) {
      at::Tensor g = at::zeros({kSize}, at::kDouble).fill_(3. * comm.rank());
      ssgd->on_gradient({.step = step}, x, g);
      EXPECT_TRUE(g.equal(at::zeros({kSize}, at::kDouble).fill_(3)));
    }
  });
}

TEST_P(Ssgd, ItNeverNeedsAFinalAverage) {
  run(2, [](Communicator& comm) {
    const auto ssgd = make_ssgd({}, {});
    at::Tensor x = at::zeros({kSize}, at::kDouble), g = x.clone();
    ssgd->join(comm, x);
    EXPECT_EQ(ssgd->period(), 1);
    EXPECT_EQ(ssgd->rounds(), 0);
    ssgd->before_gradient({}, x);
    ssgd->on_gradient({}, x, g);
    ssgd->after_step({}, x);
    EXPECT_FALSE(ssgd->last_round());
    EXPECT_FALSE(ssgd->final_average_needed());
    EXPECT_EQ(comm.total_bytes(), kSize * 8);
  });
}

// A bucket leaves as soon as its part of g is complete, while the rest is still being computed.
TEST(SsgdOverlap, ABucketTravelsBeforeTheRestIsKnown) {
  run_threads(2, [](Communicator& comm) {
    const auto ssgd = make_ssgd({.bucket_bytes = 8 * 50}, {});  // [89, 101), [39, 89), [0, 39)
    at::Tensor x = at::zeros({kSize}, at::kDouble), g = x.clone();
    ssgd->join(comm, x);
    const auto started = [&] { return comm.stats(Operation::kAllReduce).calls; };
    ssgd->before_gradient({}, x);
    EXPECT_EQ(started(), 0);
    ssgd->on_gradient_part(g, 90, 101);
    EXPECT_EQ(started(), 0);
    ssgd->on_gradient_part(g, 60, 90);
    EXPECT_EQ(started(), 1);           // the first, a quarter of the others
    ssgd->on_gradient_part(g, 0, 39);  // complete, but not its turn
    EXPECT_EQ(started(), 1);
    ssgd->on_gradient_part(g, 39, 60);
    EXPECT_EQ(started(), 3);
    ssgd->on_gradient({}, x, g);
    EXPECT_EQ(started(), 3);
  });
}

TEST(SsgdOptions, OutOfRangeNamesRuleAndValue) {
  for (int64_t bytes : {0, -1}) {
    try {
      make_ssgd({.bucket_bytes = bytes}, {});
      FAIL() << "no error";
    } catch (const UsageError& error) {
      EXPECT_EQ(error.what(), fmt::format("bucket-bytes must be at least 1, got {}", bytes));
    }
  }
}

TEST(SsgdState, AnotherAlgorithmsCheckpointIsRefused) {
  const auto ssgd = make_ssgd({}, {});
  for (const auto& state : std::vector<std::vector<std::pair<std::string, at::Tensor>>>{
           {}, {{"clock", at::zeros({4}, at::kLong)}}}) {
    try {
      ssgd->load_state(state);
      FAIL() << "no error";
    } catch (const UsageError& error) {
      EXPECT_STREQ(error.what(), "the checkpoint is of another algorithm: it has no steps");
    }
  }
  ssgd->load_state({{"steps", at::scalar_tensor(7, at::kLong)}});
  EXPECT_EQ(ssgd->rounds(), 7);
}

INSTANTIATE_TEST_SUITE_P(, Ssgd, testing::ValuesIn(rank_backends()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace valley::ssgd_test
