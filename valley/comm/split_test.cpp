#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "valley/comm/communicator.h"
#include "valley/comm/group.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/testing/faulty_communicator.h"
#include "valley/testing/run_ranks.h"

namespace valley::split_test {
namespace {

class Split : public testing::TestWithParam<std::string> {
 protected:
  static void run(int workers, const std::function<void(Communicator&)>& fn, double timeout = 10,
                  const WrapRank& wrap = {}) {
    run_ranks(workers, fn, GetParam(), timeout, wrap);
  }

  // What each worker got as an error.
  static std::vector<std::string> errors_of(int workers, double timeout,
                                            const std::function<void(Communicator&)>& fn,
                                            const WrapRank& wrap = {}) {
    std::vector<std::string> errors(static_cast<size_t>(workers), "no error");
    try {
      run(
          workers,
          [&](Communicator& comm) {
            try {
              fn(comm);
            } catch (const std::exception& error) {
              errors[static_cast<size_t>(comm.rank())] = error.what();
              throw;
            }
          },
          timeout, wrap);
    } catch (const std::exception&) {
    }
    return written_by_all(GetParam(), errors);
  }
};
INSTANTIATE_TEST_SUITE_P(, Split, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return info.param; });

double sum_of(Communicator& comm, double value) {
  at::Tensor x = at::full({3}, value, at::kDouble);
  comm.all_reduce_sum(x, x);
  return x[0].item<double>();
}

TEST_P(Split, GroupsByColorInTheOrderOfRanks) {
  run(5, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() % 2 == 0 ? 7 : -7);
    const std::vector<int> members =
        comm.rank() % 2 == 0 ? std::vector<int>{0, 2, 4} : std::vector<int>{1, 3};
    EXPECT_EQ(part->rank(), comm.rank() / 2);
    EXPECT_EQ(part->size(), static_cast<int>(members.size()));
    EXPECT_EQ(part->global_ranks(), members);
    EXPECT_EQ(part->backend(), comm.backend());
    EXPECT_EQ(sum_of(*part, comm.rank()), comm.rank() % 2 == 0 ? 6 : 4);
    EXPECT_EQ(sum_of(comm, comm.rank()), 10);  // the whole goes on beside its parts
    at::Tensor x = at::full({4}, comm.rank(), at::kFloat);
    part->broadcast(x, 1);
    EXPECT_TRUE(x.equal(at::full({4}, members[1], at::kFloat)));
    const int peer = (part->rank() + 1) % part->size(),
              from = (part->rank() + part->size() - 1) % part->size();
    at::Tensor in = at::zeros({4}, at::kFloat);
    part->exchange({{peer, at::full({4}, comm.rank(), at::kFloat)}}, {{from, in}});
    EXPECT_TRUE(in.equal(at::full({4}, members[static_cast<size_t>(from)], at::kFloat)));
  });
}

TEST_P(Split, AWorkerAloneAndAllTogether) {
  run(3, [](Communicator& comm) {
    const auto alone = comm.split(comm.rank());
    EXPECT_EQ(alone->size(), 1);
    EXPECT_EQ(sum_of(*alone, 5), 5);
    const auto all = comm.split(0);
    EXPECT_EQ(all->rank(), comm.rank());
    EXPECT_EQ(sum_of(*all, 5), 15);
    EXPECT_EQ(alone->total_bytes(), 0);
  });
}

TEST_P(Split, PartsHaveParts) {
  run(4, [](Communicator& comm) {
    const auto half = comm.split(comm.rank() < 2 ? 0 : 1);
    const auto other = comm.split(comm.rank() % 2);  // while the first lives
    const auto quarter = half->split(half->rank());
    const auto again = half->split(0);
    EXPECT_EQ(quarter->global_ranks(), std::vector<int>{comm.rank()});
    EXPECT_EQ(again->global_ranks(), half->global_ranks());
    EXPECT_EQ(sum_of(*again, comm.rank()), comm.rank() < 2 ? 1 : 5);
    EXPECT_EQ(sum_of(*other, comm.rank()), comm.rank() % 2 ? 4 : 2);
  });
}

TEST_P(Split, WhatAPartDoesCountsInTheWhole) {
  run(4, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() / 2);
    const auto inner = part->split(0);
    EXPECT_EQ(comm.stats(Operation::kSplit).calls, 2);
    EXPECT_EQ(comm.total_bytes(), 0);
    at::Tensor x = at::zeros({100}, at::kFloat);
    comm.all_reduce_sum(x, x);
    part->all_reduce_sum(x, x);
    inner->start_all_reduce_sum(x, x)->wait();
    EXPECT_EQ(inner->stats(Operation::kAllReduce).calls, 1);
    EXPECT_EQ(inner->total_bytes(), 400);
    EXPECT_EQ(part->stats(Operation::kAllReduce).calls, 2);
    EXPECT_EQ(part->total_bytes(), 800);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, 3);
    EXPECT_EQ(comm.total_bytes(), 1200);
    EXPECT_GE(comm.stats(Operation::kAllReduce).seconds,
              part->stats(Operation::kAllReduce).seconds);
    EXPECT_GT(part->stats(Operation::kAllReduce).seconds, 0);
  });
}

TEST_P(Split, StartedOperationsOfBothAreUnderWayAtOnce) {
  run(4, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() / 2);
    at::Tensor x = at::full({100000}, 1, at::kFloat), all = at::zeros({100000}, at::kFloat);
    at::Tensor mine = all.clone();
    for (int i = 0; i < 5; ++i) {
      const auto whole = comm.start_all_reduce_sum(x, all);
      const auto half = part->start_all_reduce_sum(x, mine);
      half->wait();
      whole->wait();
      EXPECT_EQ(all[99999].item<float>(), 4);
      EXPECT_EQ(mine[99999].item<float>(), 2);
    }
  });
}

TEST_P(Split, AWishToStopTravelsWithEveryOperation) {
  run(4, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() / 2);
    part->barrier();
    EXPECT_FALSE(part->stop_agreed());
    if (comm.rank() == 3) part->request_stop();
    part->barrier();
    EXPECT_EQ(part->stop_agreed(), comm.rank() >= 2);
    EXPECT_FALSE(comm.stop_agreed());  // of which the others know nothing yet
    comm.barrier();
    EXPECT_TRUE(comm.stop_agreed());
    part->barrier();
    EXPECT_EQ(part->stop_agreed(), comm.rank() >= 2);
  });
}

TEST_P(Split, WhoLeavesAPartEndsThatPartAlone) {
  run(4, [](Communicator& comm) {
    for (int i = 0; i < 3; ++i) {
      const auto part = comm.split(comm.rank() / 2);
      EXPECT_EQ(sum_of(*part, 1), 2);
    }
    auto left = comm.split(0);
    auto stays = left->split(comm.rank() % 2);
    left.reset();
    EXPECT_EQ(sum_of(*stays, 1), 2);
    EXPECT_EQ(sum_of(comm, 1), 4);
  });
}

TEST_P(Split, WhoUsesAPartThatAnotherHasLeftLearnsSo) {
  const auto errors = errors_of(4, 10, [](Communicator& comm) {
    auto part = comm.split(comm.rank() % 2);
    part->barrier();
    if (comm.rank() == 3) {
      part.reset();
      return comm.barrier();
    }
    if (comm.rank() == 1) part->barrier();
    comm.barrier();
  });
  EXPECT_THAT(errors[1], testing::StartsWith("lost rank 3 (it left the group after operation 1) in "
                                             "barrier 2 after 0."));
  for (const size_t rank : {0, 2, 3}) {
    EXPECT_THAT(errors[rank], testing::StartsWith("lost rank 1 (lost rank 3 (it left the group"));
  }
}

TEST_P(Split, AMismatchInAPartEndsTheWhole) {
  const auto errors = errors_of(4, 10, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() / 2);
    try {
      if (comm.rank() == 3) part->broadcast(at::zeros({1}, at::kFloat), 0);
      if (comm.rank() == 2) part->barrier();
    } catch (const CommError& error) {
      EXPECT_STREQ(error.what(),
                   "rank 3 called broadcast of 1 float value from rank 0 as "
                   "operation 1, rank 2 called barrier");
      comm.barrier();
    }
    comm.barrier();
  });
  for (const size_t rank : {2, 3}) {
    EXPECT_EQ(errors[rank],
              "the group has ended: rank 3 called broadcast of 1 float value from "
              "rank 0 as operation 1, rank 2 called barrier");
  }
  for (const size_t rank : {0, 1}) {
    EXPECT_THAT(errors[rank],
                testing::MatchesRegex("lost rank [23] \\(rank 3 called broadcast of 1 float value "
                                      "from rank 0 as operation 1, rank 2 called barrier\\) in "
                                      "barrier 2 after .*"));
  }
}

TEST_P(Split, AFailureOfTheWholeEndsItsParts) {
  const auto errors = errors_of(3, 10, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() == 0 ? 0 : 1);
    try {
      comm.rank() == 0 ? comm.barrier() : comm.broadcast(at::zeros({1}, at::kFloat), 0);
    } catch (const CommError&) {
    }
    part->barrier();
  });
  EXPECT_THAT(errors, testing::Each(testing::StartsWith("the group has ended: rank 0 called "
                                                        "barrier as operation 2")));
}

TEST_P(Split, AnAbortReachesThoseWhoWaitInAPart) {
  const auto errors = errors_of(4, 10, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() % 2);
    part->barrier();
    if (comm.rank() == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      comm.abort("the loss is not finite");
      return;
    }
    if (comm.rank() == 1) return part->barrier();
    comm.barrier();
  });
  EXPECT_THAT(errors[1],
              testing::StartsWith("lost rank 3 (the loss is not finite) in barrier 2 after 0."));
  for (const size_t rank : {0, 2}) {
    EXPECT_THAT(errors[rank],
                testing::StartsWith("lost rank 3 (the loss is not finite) in barrier 2 after 0."));
  }
}

TEST_P(Split, AWorkerThatDoesNotComeToItsPartIsNamed) {
  const auto errors = errors_of(4, 0.4, [](Communicator& comm) {
    const auto part = comm.split(comm.rank() % 2);
    if (comm.rank() == 3) std::this_thread::sleep_for(std::chrono::milliseconds(900));
    if (comm.rank() % 2 == 1) part->barrier();
  });
  EXPECT_THAT(errors[1], testing::MatchesRegex(
                             "timed out after 0\\.[4-8] s in barrier 1: waiting for rank 3"));
}

TEST_P(Split, ItIsCalledByAll) {
  const auto errors = errors_of(
      2, 10, [](Communicator& comm) { comm.rank() == 0 ? comm.barrier() : void(comm.split(0)); });
  EXPECT_THAT(errors, testing::Each("rank 1 called split as operation 1, rank 0 called barrier"));
}

// A fault of one worker, in a part.
TEST_P(Split, FaultsAreInjectedIntoParts) {
  for (const Fault fault : {Fault::kNone, Fault::kThrow, Fault::kAbort, Fault::kVanish}) {
    const auto errors = errors_of(
        3, 10,
        [](Communicator& comm) {
          const auto part = comm.split(comm.rank() == 0 ? 0 : 1);  // operation 1
          EXPECT_EQ(part->size(), comm.rank() == 0 ? 1 : 2);
          for (int i = 0; i < 3; ++i) part->barrier();
          comm.barrier();
          EXPECT_EQ(comm.stats(Operation::kBarrier).calls, 4);
        },
        [&](std::unique_ptr<Communicator> rank) {
          const FaultyOptions options =
              rank->rank() == 2 ? FaultyOptions{fault, 3} : FaultyOptions{};
          return std::make_unique<FaultyCommunicator>(std::move(rank), options);
        });
    if (fault == Fault::kNone) {
      EXPECT_THAT(errors, testing::Each("no error"));
      continue;
    }
    EXPECT_EQ(errors[2], "injected fault in barrier 2");
    EXPECT_THAT(errors[1], testing::StartsWith("lost rank 2 ("));
    EXPECT_THAT(errors[1], testing::HasSubstr(fault == Fault::kAbort
                                                  ? "(injected fault in barrier 2) in barrier 2"
                                                  : ") in barrier 2"));
    EXPECT_THAT(errors[0], testing::MatchesRegex("lost rank [12] \\(.*\\) in barrier 3 after .*"));
  }
}

}  // namespace
}  // namespace valley::split_test
