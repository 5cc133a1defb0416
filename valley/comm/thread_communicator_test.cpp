#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>

#include "valley/comm/group.h"
#include "valley/core/error.h"

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

// Races show here under ThreadSanitizer: more workers than cores, short operations.
TEST(ThreadGroup, ManyOperationsInARow) {
  run_threads(5, [](Communicator& comm) {
    for (int i = 0; i < 500; ++i) comm.barrier();
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
