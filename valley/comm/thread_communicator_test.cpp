#include <gtest/gtest.h>

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
