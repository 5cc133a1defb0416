#include "valley/comm/forwarding_communicator.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include "valley/comm/group.h"
#include "valley/testing/normals.h"

namespace valley::forwarding_communicator_test {
namespace {

// A backend that adds up and does no more for what is made of a sum.
class Plain : public ForwardingCommunicator {
 public:
  explicit Plain(std::unique_ptr<Communicator> inner) : ForwardingCommunicator(std::move(inner)) {}
  ~Plain() override { finish_started(); }

 private:
  void pass_on(Call&, const std::function<void()>& operation) override { operation(); }
  std::unique_ptr<Communicator> wrap(std::unique_ptr<Communicator> part) const override {
    return std::make_unique<Plain>(std::move(part));
  }
  SquaredNorms do_all_reduce_sum_norms(Call& call, const at::Tensor& x, at::Tensor& sum) override {
    return Communicator::do_all_reduce_sum_norms(call, x, sum);
  }
  void do_all_reduce_mean(Call& call, at::Tensor& x) override {
    Communicator::do_all_reduce_mean(call, x);
  }
};

TEST(ABackendWithoutAPassOfItsOwn, MakesMeanAndNormsOfTheSum) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    auto group = make_thread_group(3, 5);
    run_workers(
        3,
        [&](int rank) {
          return std::make_unique<Plain>(std::move(group[static_cast<size_t>(rank)]));
        },
        [&](Communicator& comm) {
          const at::Tensor x = normals({1000}, static_cast<uint64_t>(comm.rank()), dtype);
          at::Tensor sum = at::empty_like(x), mean = x.clone();
          const SquaredNorms norms = comm.all_reduce_sum_norms(x, sum);
          const SquaredNorms expected = squared_norms(x, sum, 3, 0, 1000);
          EXPECT_NEAR(norms.distance, expected.distance, 1e-6 * expected.distance);
          EXPECT_NEAR(norms.mean, expected.mean, 1e-6 * expected.mean);
          comm.all_reduce_mean(mean);
          EXPECT_TRUE(mean.equal(sum.div(3)));
          EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, 2);
        });
  }
}

TEST(ABackendWithoutAPassOfItsOwn, PassesAWishToStopAndPartsOn) {
  auto group = make_thread_group(2, 5);
  run_workers(
      2,
      [&](int rank) {
        return std::make_unique<Plain>(std::move(group[static_cast<size_t>(rank)]));
      },
      [](Communicator& comm) {
        const auto part = comm.split(0);
        if (comm.rank() == 1) comm.request_stop();
        at::Tensor x = at::full({2}, 1, at::kFloat);
        part->all_reduce_mean(x);
        EXPECT_TRUE(part->stop_agreed());
        comm.barrier();
        EXPECT_TRUE(comm.stop_agreed());
      });
}

}  // namespace
}  // namespace valley::forwarding_communicator_test
