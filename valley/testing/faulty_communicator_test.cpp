#include "valley/testing/faulty_communicator.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/testing/run_ranks.h"

namespace valley::faulty_communicator_test {
namespace {

// Two workers over FaultyCommunicators of a thread group; rank 1 has the fault. What each threw.
std::vector<std::string> errors_of(FaultyOptions options) {
  auto group = make_thread_group(2, 5);
  std::vector<std::string> errors(2, "no error");
  try {
    run_workers(
        2,
        [&](int rank) {
          return std::make_unique<FaultyCommunicator>(std::move(group[static_cast<size_t>(rank)]),
                                                      rank == 1 ? options : FaultyOptions{});
        },
        [&](Communicator& comm) {
          try {
            for (int i = 0; i < 4; ++i) comm.barrier();
          } catch (const std::exception& error) {
            errors[static_cast<size_t>(comm.rank())] = error.what();
            throw;
          }
        });
  } catch (const std::exception&) {
  }
  return errors;
}

TEST(FaultyCommunicator, FailsInTheOperationAskedFor) {
  EXPECT_THAT(errors_of({Fault::kNone, 1}), testing::Each("no error"));
  for (const Fault fault : {Fault::kThrow, Fault::kAbort}) {
    const auto errors = errors_of({fault, 3});
    EXPECT_EQ(errors[1], "injected fault in barrier 3");
    EXPECT_THAT(errors[0], testing::StartsWith("lost rank 1 (injected fault in barrier 3) in "
                                               "barrier 3 after "));
  }
  const auto errors = errors_of({Fault::kVanish, 2});
  EXPECT_EQ(errors[1], "injected fault in barrier 2");
  EXPECT_THAT(errors[0], testing::StartsWith("lost rank 1 (it left the group after operation 1) in "
                                             "barrier 2 after "));
}

TEST(FaultyCommunicator, PassesEverythingElseOn) {
  auto group = make_thread_group(2, 5);
  run_workers(
      2,
      [&](int rank) {
        return std::make_unique<FaultyCommunicator>(std::move(group[static_cast<size_t>(rank)]),
                                                    FaultyOptions{});
      },
      [](Communicator& comm) {
        EXPECT_EQ(comm.backend(), "thread");
        at::Tensor x = at::full({4}, comm.rank() + 1.0, at::kFloat);
        at::Tensor sum = at::zeros({4}, at::kFloat);
        comm.start_all_reduce_sum(x, sum)->wait();
        EXPECT_TRUE(sum.equal(at::full({4}, 3.0, at::kFloat)));
        EXPECT_EQ(comm.all_reduce_sum_norms(x, sum).distance, 4 * 0.25);
        at::Tensor mean = x.clone();
        comm.all_reduce_mean(mean);
        EXPECT_TRUE(mean.equal(at::full({4}, 1.5, at::kFloat)));
        EXPECT_TRUE(comm.all_gather(x).select(0, 1).equal(at::full({4}, 2.0, at::kFloat)));
        EXPECT_EQ(comm.all_gather_text(comm.rank() ? "b" : "")[1], "b");
        at::Tensor theirs = at::zeros({4}, at::kFloat);
        comm.exchange({{1 - comm.rank(), x}}, {{1 - comm.rank(), theirs}});
        EXPECT_TRUE(theirs.equal(at::full({4}, 2.0 - comm.rank(), at::kFloat)));
        if (comm.rank() == 1) comm.request_stop();
        comm.broadcast(x, 1);
        EXPECT_TRUE(x.equal(at::full({4}, 2.0, at::kFloat)));
        EXPECT_TRUE(comm.stop_agreed());
        EXPECT_EQ(comm.total_bytes(), 3 * 16 + 16 + comm.rank() + 16 + 16);
      });
}

TEST(RunRanks, RunsEveryBackendAndPassesErrorsOn) {
  std::vector<std::string> seen;
  for (const std::string& backend : rank_backends()) {
    run_ranks(
        2,
        [&](Communicator& comm) {
          if (comm.rank() == 0) seen.emplace_back(comm.backend());
        },
        backend);
    EXPECT_THROW(run_ranks(
                     2, [](Communicator&) { throw std::range_error("x"); }, backend),
                 std::range_error);
  }
  EXPECT_EQ(seen, rank_backends());
}

}  // namespace
}  // namespace valley::faulty_communicator_test
