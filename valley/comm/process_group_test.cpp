#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "valley/comm/c10d_store.h"
#include "valley/comm/process_group_join.h"
#include "valley/comm/testing/process_group_threads.h"
#include "valley/comm/testing/processes.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

// What is its own of a process group: every test of communicators runs on one, too.
namespace valley::process_group_test {
namespace {

using Group = c10::intrusive_ptr<c10d::ProcessGroup>;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

StorePtr hash_store() { return c10::make_intrusive<c10d::HashStore>(); }

// Runs fn(rank) on threads. Returns what each got as an error.
std::vector<std::string> errors_of_threads(int workers, const std::function<void(int rank)>& fn) {
  std::vector<std::string> errors(static_cast<size_t>(workers), "no error");
  std::vector<std::jthread> threads;
  for (int rank = 0; rank < workers; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        fn(rank);
      } catch (const std::exception& error) {
        errors[static_cast<size_t>(rank)] = error.what();
      }
    });
  }
  threads.clear();
  return errors;
}

// Each with its end of a Gloo group.
std::vector<std::string> errors_of(
    int workers, const std::function<void(const Group& group, const StorePtr& store)>& fn) {
  const StorePtr store = hash_store();
  return errors_of_threads(workers, [&](int rank) { fn(gloo_group(store, rank, workers), store); });
}

ProcessGroupOptions over(const StorePtr& store, const std::string& prefix, double timeout = 10) {
  ProcessGroupOptions options{.store = store, .prefix = prefix, .interface = "lo"};
  options.timeout_seconds = timeout;
  return options;
}

// The sum of the ranks + 1.
float sum_of_ranks(Communicator& comm) {
  at::Tensor x = at::full({1000}, comm.rank() + 1.0, at::kFloat);
  comm.all_reduce_sum(x, x);
  return x[999].item<float>();
}

// The owner's own use of the group.
float own_sum(const Group& group) {
  std::vector<at::Tensor> x = {at::full({10}, 1.0, at::kFloat)};
  group->allreduce(x)->wait();
  return x[0][9].item<float>();
}

TEST(ProcessGroup, StaysItsOwnersBetweenOperationsAndAfter) {
  const auto errors = errors_of(3, [](const Group& group, const StorePtr& store) {
    {
      const auto first = make_process_group(group, over(store, "first"));
      EXPECT_EQ(first->backend(), "process-group");
      EXPECT_EQ(sum_of_ranks(*first), 6);
      EXPECT_EQ(own_sum(group), 3);
      const auto beside = make_process_group(group, over(store, "beside"));
      EXPECT_EQ(sum_of_ranks(*beside), 6);
      EXPECT_EQ(sum_of_ranks(*first), 6);
    }
    EXPECT_EQ(own_sum(group), 3);
    const auto second = make_process_group(group, over(store, "second"));
    EXPECT_EQ(sum_of_ranks(*second), 6);
    EXPECT_THAT(second->all_gather_text("a"), testing::ElementsAre("a", "a", "a"));
  });
  EXPECT_THAT(errors, testing::Each("no error"));
}

// LibTorch's Gloo, its own or one it shares, and the sockets of the backend that is named after it.
TEST(ProcessGroup, WorksInOneProcessWithTheBackendGloo) {
  const MakeWorker make = find_backend("gloo").in_threads(2, 10, {});
  const auto errors = errors_of(2, [&](const Group& group, const StorePtr&) {
    const auto other = make(group->getRank());
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(own_sum(group), 2);
      EXPECT_EQ(sum_of_ranks(*other), 3);
    }
  });
  EXPECT_THAT(errors, testing::Each("no error"));
}

TEST(ProcessGroup, StaysItsOwnersAfterAFailure) {
  const auto errors = errors_of(2, [](const Group& group, const StorePtr& store) {
    const auto comm = make_process_group(group, over(store, "it"));
    EXPECT_THROW(comm->rank() == 0 ? comm->barrier() : void(comm->all_gather_text("a")), CommError);
    EXPECT_EQ(own_sum(group), 2);
  });
  EXPECT_THAT(errors, testing::Each("no error"));
}

TEST(ProcessGroup, OfOneIsSolo) {
  const StorePtr store = hash_store();
  const auto comm = make_process_group(gloo_group(store, 0, 1), {.store = store});
  EXPECT_EQ(comm->backend(), "solo");
}

TEST(ProcessGroup, RefusesWhatCannotBe) {
  const StorePtr store = hash_store();
  const Group group = gloo_group(store, 0, 1);
  const auto error = [&](const Group& g, const ProcessGroupOptions& options) {
    return error_of<UsageError>([&] { make_process_group(g, options); });
  };
  EXPECT_EQ(error({}, {}), "the process group is null");
  EXPECT_EQ(error(group, {.devices = {}}), "the process group needs a device for its tensors");
  ProcessGroupOptions options;
  options.timeout_seconds = 0;
  EXPECT_EQ(error(group, options), "the timeout must be > 0 seconds, got 0");
}

TEST(ProcessGroup, WithoutAStoreItNamesWhoDiffersWhoIsMissingAndWhoIsGone) {
  EXPECT_THAT(errors_of(3,
                        [](const Group& group, const StorePtr&) {
                          const auto comm = make_process_group(group, {});
                          EXPECT_EQ(sum_of_ranks(*comm), 6);
                          comm->rank() == 1 ? void(comm->all_gather_text("")) : comm->barrier();
                        }),
              testing::Each("rank 1 called all_gather_text as operation 2, rank 0 called barrier"));

  std::atomic<bool> told = false;
  const auto late = errors_of(2, [&](const Group& group, const StorePtr&) {
    const auto comm = make_process_group(group, over({}, "it", 0.3));
    for (int i = 0; comm->rank() == 1 && !told && i < 1000; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (comm->rank() == 1) return;
    EXPECT_THROW(comm->barrier(), CommError);
    told = true;
    comm->barrier();
  });
  EXPECT_THAT(late[0],
              testing::MatchesRegex("the group has ended: timed out after 0\\.[3-9] s in barrier "
                                    "1: waiting for rank 1"));

  const auto gone = errors_of(2, [](const Group& group, const StorePtr&) {
    if (group->getRank() == 0) make_process_group(group, over({}, "it"))->barrier();
  });
  EXPECT_THAT(gone[0],
              testing::MatchesRegex("lost rank 1 \\(connection closed\\) in barrier 1 after .*"));
}

TEST(ProcessGroup, WithoutAStoreThereAreNoParts) {
  const auto errors = errors_of(2, [](const Group& group, const StorePtr&) {
    make_process_group(group, over({}, "it"))->split(0);
  });
  EXPECT_THAT(errors, testing::Each("split: the process group was given without a store"));
}

// A work that ends at once with an error, or never.
class OddWork : public c10d::Work {
 public:
  explicit OddWork(const std::string& error) {
    if (!error.empty()) finish(std::make_exception_ptr(std::runtime_error(error)));
  }
};

// A group whose broadcasts fail, or never end; it sends and receives through another one.
class OddGroup : public c10d::ProcessGroup {
 public:
  OddGroup(Group inner, std::string error)
      : ProcessGroup(inner->getRank(), inner->getSize()),
        inner_(std::move(inner)),
        error_(std::move(error)) {}

  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>&,
                                           const c10d::BroadcastOptions&) override {
    return c10::make_intrusive<OddWork>(error_);
  }
  c10::intrusive_ptr<c10d::Work> send(std::vector<at::Tensor>& x, int to, int tag) override {
    return inner_->send(x, to, tag);
  }
  c10::intrusive_ptr<c10d::Work> recv(std::vector<at::Tensor>& x, int from, int tag) override {
    return inner_->recv(x, from, tag);
  }

 private:
  Group inner_;
  std::string error_;
};

std::vector<std::string> errors_of_odd_group(const std::string& error, double timeout,
                                             const std::function<void(Communicator&)>& fn) {
  return errors_of(3, [&](const Group& group, const StorePtr& store) {
    const auto comm =
        make_process_group(c10::make_intrusive<OddGroup>(group, error), over(store, "it", timeout));
    EXPECT_THAT(comm->all_gather_text("a"), testing::SizeIs(3));
    fn(*comm);
  });
}

// The group itself is never asked.
TEST(ProcessGroup, WhatIsOnTheCpuGoesOverTheSideGroup) {
  const auto errors = errors_of(2, [](const Group& side, const StorePtr& store) {
    ProcessGroupOptions options = over(store, "it");
    options.side_group = side;
    const auto comm = make_process_group(
        c10::make_intrusive<c10d::ProcessGroup>(side->getRank(), side->getSize()), options);
    EXPECT_EQ(sum_of_ranks(*comm), 3);
    at::Tensor x = at::full({2}, comm->rank(), at::kLong), y = at::zeros({2}, at::kLong);
    comm->exchange({{1 - comm->rank(), x}}, {{1 - comm->rank(), y}});
    EXPECT_TRUE(y.equal(at::full({2}, 1 - comm->rank(), at::kLong)));
    comm->broadcast(y, 0);
    EXPECT_TRUE(comm->all_gather(y).equal(at::full({2, 2}, 1, at::kLong)));
  });
  EXPECT_THAT(errors, testing::Each("no error"));
}

void broadcast(Communicator& comm) { comm.broadcast(at::zeros({3}, at::kFloat), 0); }

TEST(ProcessGroup, WhatFailsInTheGroupItselfIsTold) {
  EXPECT_THAT(errors_of_odd_group("no cable\nin main.cpp", 10, broadcast),
              testing::Each(testing::MatchesRegex("rank [0-2]: the process group failed in "
                                                  "broadcast 2 after 0\\.[0-9] s: no cable")));
}

TEST(ProcessGroup, WhatNeverEndsInTheGroupItselfEndsHere) {
  EXPECT_THAT(errors_of_odd_group("", 0.3, broadcast),
              testing::Each(testing::MatchesRegex("(rank [0-2] )?timed out after 0\\.[3-9] s in "
                                                  "broadcast 2: all had come, and one fell "
                                                  "silent")));
  const auto errors = errors_of_odd_group("", 10, [](auto& comm) {
    if (comm.rank() != 1) return broadcast(comm);
    const std::jthread soon([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      comm.abort("no power");
    });
    broadcast(comm);
  });
  EXPECT_EQ(errors[1], "rank 1 has left the group");
  for (const size_t rank : {0, 2})
    EXPECT_THAT(errors[rank], testing::StartsWith("lost rank 1 (no power) in broadcast 2"));
}

// Gloo in the place of NCCL, which needs GPUs.
std::vector<std::string> errors_of_joining(
    int workers, const MakeGroup& make, const std::function<void(Communicator&)>& fn,
    const std::function<void(JoinOptions&)>& change = [](JoinOptions&) {}) {
  const int port = free_port();
  return errors_of_threads(workers, [&](int rank) {
    JoinOptions options{.rank = rank, .size = workers};
    options.master_port = port;
    options.timeout_seconds = 10;
    change(options);
    ProcessGroupOptions kind{.name = "nickel"};
    fn(*join_process_group(options, make, kind));
  });
}

Group gloo_of(const StorePtr& store, const JoinOptions& options) {
  return gloo_group(store, options.rank, options.size);
}

TEST(JoinedProcessGroup, MeetsAtAStoreAndTalksAndSplits) {
  const auto errors = errors_of_joining(3, gloo_of, [](Communicator& comm) {
    EXPECT_EQ(comm.backend(), "nickel");
    EXPECT_EQ(sum_of_ranks(comm), 6);
    const auto part = comm.split(comm.rank() == 1 ? 1 : 0);
    EXPECT_EQ(part->size(), comm.rank() == 1 ? 1 : 2);
    comm.barrier();
  });
  EXPECT_THAT(errors, testing::Each("no error"));
}

TEST(JoinedProcessGroup, AnotherCardIsRefusedBeforeAGroupIsMade) {
  std::atomic<int> made = 0;
  const auto make = [&](const StorePtr& store, const JoinOptions& options) {
    ++made;
    return gloo_of(store, options);
  };
  const auto errors = errors_of_joining(
      2, make, [](Communicator&) {},
      [](JoinOptions& options) { options.card.add("lr", options.rank == 0 ? "0.1" : "0.2"); });
  EXPECT_THAT(errors, testing::Each("lr: 0.1 on rank 0, 0.2 on rank 1; the workers of a run must "
                                    "agree on it"));
  EXPECT_EQ(made, 0);
}

TEST(JoinedProcessGroup, WhatTheGroupItselfThrowsIsOneLine) {
  const auto make = [](const StorePtr&, const JoinOptions&) -> Group {
    TORCH_CHECK(false, "no GPUs found\nin main.cpp");
  };
  EXPECT_THAT(errors_of_joining(2, make, [](Communicator&) {}),
              testing::Each("nickel: no GPUs found"));
}

TEST(JoinedProcessGroup, ThePartsOfAStoreAreThoseOfC10d) {
  const auto whole = make_hash_store();
  const auto part = with_prefix(with_prefix(whole, "a"), "b");
  part->set("key", "1");
  const auto same = c10d_store(*part);
  EXPECT_TRUE(same->check({"key"}));
  EXPECT_FALSE(c10d_store(*whole)->check({"key"}));
  EXPECT_EQ(whole->get("a/b/key"), "1");
}

class GroupProcesses : public Processes {};

TEST_F(GroupProcesses, SurvivorsNameTheKilledOneThoughItHostedTheStore) {
  const auto statuses = run(kProcessGroup, 2, "die", 0);
  EXPECT_TRUE(WIFSIGNALED(statuses[0]));
  EXPECT_THAT(written(1), testing::MatchesRegex("lost rank 0 \\(connection closed\\) in "
                                                "all_reduce [34] after [0-9.]+ s\n"));
}

// Two of the others wait for the killed one, and the third for them.
TEST_F(GroupProcesses, SurvivorsNameTheOneKilledWithinASum) {
  const auto statuses = run(kProcessGroup, 4, "burst", 2);
  EXPECT_TRUE(WIFSIGNALED(statuses[2]));
  for (const int rank : {0, 1, 3}) {
    EXPECT_EQ(WEXITSTATUS(statuses[static_cast<size_t>(rank)]), 3);
    EXPECT_THAT(written(rank),
                testing::MatchesRegex("lost rank 2 \\(connection closed\\) in all_reduce [0-9]+ "
                                      "after [0-3]\\.[0-9] s\n"));
  }
}

}  // namespace
}  // namespace valley::process_group_test
