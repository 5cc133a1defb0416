
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <thread>

#include "valley/comm/group.h"
#include "valley/core/error.h"

namespace valley {
namespace {

TEST(ThreadGroup, SumsInPlaceAndOutOfPlace) {
  for (int workers : {1, 2, 3, 4, 5}) {
    run_threads(workers, [&](Communicator& comm) {
      at::Tensor in = at::arange(0, 1000, at::kFloat).add(comm.rank());
      at::Tensor out = at::full({1000}, -1, at::kFloat);
      int64_t next = 0;
      comm.all_reduce_sum(in, out, [&](int64_t begin, int64_t end) {
        EXPECT_EQ(begin, next);
        next = end;
      });
      EXPECT_EQ(next, 1000);
      const int M = comm.size();
      EXPECT_TRUE(out.equal(at::arange(0, 1000, at::kFloat).mul(M).add(M * (M - 1) / 2)));
      comm.all_reduce_sum(in, in);
      EXPECT_TRUE(out.equal(in));
    });
  }
}

TEST(ThreadGroup, AMismatchNamesTheRankOnEveryWorker) {
  auto group = make_thread_group(3, 5);
  std::vector<std::string> texts(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        if (rank == 2) {
          at::Tensor x = at::full({5}, 1.0, at::kFloat);
          group[2]->all_reduce_sum(x, x);
        } else {
          group[rank]->barrier();
        }
      } catch (const CommError& error) {
        texts[rank] = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& text : texts) {
    EXPECT_EQ(text,
              "rank 2 called all_reduce of 5 float values as operation 1, rank 0 called barrier");
  }
}

}  // namespace
}  // namespace valley
