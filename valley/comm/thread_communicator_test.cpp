#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

namespace valley::thread_communicator_test {
namespace {

std::string refusal(int workers, double timeout) {
  try {
    make_thread_group(workers, timeout);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "nothing";
}

TEST(ThreadGroup, RefusesWhatCannotBe) {
  EXPECT_EQ(refusal(0, 1), "workers must be at least 1, got 0");
  EXPECT_EQ(refusal(-3, 1), "workers must be at least 1, got -3");
  EXPECT_EQ(refusal(2, 0), "the timeout must be > 0 seconds, got 0");
}

TEST(ThreadGroup, OneWorkerIsSolo) {
  auto group = make_thread_group(1);
  ASSERT_EQ(group.size(), 1u);
  EXPECT_EQ(group[0]->backend(), "solo");
  group[0]->abort("nobody hears it");
  group[0]->barrier();
}

TEST(ThreadGroup, TheIndexIsTheRank) {
  const auto group = make_thread_group(4);
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(group[static_cast<size_t>(rank)]->rank(), rank);
    EXPECT_EQ(group[static_cast<size_t>(rank)]->size(), 4);
  }
}

TEST(ThreadGroup, SomebodyTellsOnceForWhomTheOthersWait) {
  std::mutex mutex;
  std::vector<std::string> told;
  auto group = make_thread_group(3, 20, {.seconds = 0.1, .tell = [&](const std::string& text) {
                                           const std::lock_guard lock(mutex);
                                           told.push_back(text);
                                         }});
  run_workers(
      3, [&](int rank) { return std::move(group[static_cast<size_t>(rank)]); },
      [](Communicator& comm) {
        comm.barrier();
        if (comm.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(300));
        comm.barrier();
        const auto part = comm.split(comm.rank() / 2);
        if (comm.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
        part->barrier();
      });
  EXPECT_THAT(told,
              testing::ElementsAre(
                  testing::MatchesRegex("waiting for rank 2 in barrier 2, for 0\\.[1-9][0-9]* "
                                        "s now"),
                  testing::MatchesRegex("waiting for rank 0 in barrier 1, for .*")));
}

// Nobody has moved who would have had to wait for the one that failed.
TEST(ThreadGroup, AWorkerThatFailsOnItsWayToTheMeanMovesNobody) {
  const int64_t n = 1 << 20;
  auto group = make_thread_group(3, 20);
  std::mutex mutex;
  std::vector<std::string> texts;
  std::vector<std::thread> workers;
  for (int rank = 0; rank < 3; ++rank) {
    workers.emplace_back([&, rank] {
      Communicator& comm = *group[static_cast<size_t>(rank)];
      const at::Tensor x = at::full({n}, rank, at::kFloat);
      const std::string text = error_of<std::runtime_error>([&] {
        comm.all_reduce_lerp(x, at::empty_like(x), [&](const SquaredNorms& norms) {
          EXPECT_EQ(norms.mean, double(n));
          if (rank == 1) throw std::runtime_error("no way");
          return 0.5;
        });
      });
      if (rank == 1) comm.abort(text);
      EXPECT_TRUE(x.eq(rank).all().item<bool>());
      EXPECT_THROW(comm.barrier(), CommError);
      const std::lock_guard lock(mutex);
      texts.push_back(text);
    });
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_THAT(texts,
              testing::UnorderedElementsAre(
                  "no way", testing::MatchesRegex("lost rank 1 \\(no way\\) in all_reduce 1 .*"),
                  testing::MatchesRegex("lost rank 1 \\(no way\\) in all_reduce 1 .*")));
}

// Races show here under ThreadSanitizer: more workers than cores, short operations.
TEST(ThreadGroup, ManyOperationsInARow) {
  run_threads(5, [](Communicator& comm) {
    for (int i = 0; i < 500; ++i) comm.barrier();
    at::Tensor x = at::full({int64_t{5} * 8 * 16384}, comm.rank(), at::kDouble);
    for (int i = 0; i < 5; ++i) {
      comm.all_reduce_lerp(x, at::empty_like(x), [](const SquaredNorms&) { return 0.5; });
    }
    EXPECT_TRUE(x.eq(2 + (comm.rank() - 2) / 32.).all().item<bool>());
    for (int i = 0; i < 200; ++i) {
      const auto texts = comm.all_gather_text(std::to_string(comm.rank() * 1000 + i));
      for (int m = 0; m < comm.size(); ++m) {
        ASSERT_EQ(texts[static_cast<size_t>(m)], std::to_string(m * 1000 + i));
      }
    }
  });
}

}  // namespace
}  // namespace valley::thread_communicator_test
