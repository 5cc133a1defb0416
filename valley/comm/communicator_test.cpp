#include "valley/comm/communicator.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <mutex>
#include <thread>

#include "valley/comm/group.h"
#include "valley/comm/lerp_to_mean.h"
#include "valley/comm/testing/process_group_threads.h"
#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/testing/run_ranks.h"

namespace valley::communicator_test {
namespace {

// Every test here runs on every backend with 1 to 5 workers, on a process group with 2 and 3, and
// over MPI with 2 and 5.
class Backends : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  static std::string backend() { return std::get<0>(GetParam()); }
  static int workers() { return std::get<1>(GetParam()); }

  static void run(const std::function<void(Communicator&)>& fn) {
    run_ranks(workers(), fn, backend());
  }
};

std::string test_name(const testing::TestParamInfo<std::tuple<std::string, int>>& info) {
  return std::get<0>(info.param) + std::to_string(std::get<1>(info.param));
}
std::vector<int> worker_counts() {
  if (rank_backends() == std::vector<std::string>{"mpi"}) return {2, 5};
  return {1, 2, 3, 4, 5};
}
INSTANTIATE_TEST_SUITE_P(Comm, Backends,
                         testing::Combine(testing::ValuesIn(rank_backends()),
                                          testing::ValuesIn(worker_counts())),
                         test_name);
INSTANTIATE_TEST_SUITE_P(ProcessGroup, Backends,
                         testing::Combine(testing::Values(kProcessGroup), testing::Values(2, 3)),
                         test_name);

// Numbers whose sum depends on the order of addition.
at::Tensor rough(int rank, int64_t n, at::ScalarType dtype) {
  at::Tensor x = at::arange(n, dtype);
  x.mul_(0.7 + rank).add_(0.1 * (rank + 1)).sin_().mul_(std::pow(10.0, rank));
  return x;
}

const std::vector<int64_t> kSizes = {0, 1, 2, 3, 7, 1000, 4099, 300001};

TEST_P(Backends, KnowTheirPlaceAndName) {
  run([&](Communicator& comm) {
    EXPECT_EQ(comm.size(), workers());
    EXPECT_EQ(comm.backend(), workers() == 1 ? "solo" : backend());
    const at::Tensor ranks = comm.all_gather(at::full({}, comm.rank(), at::kLong));
    EXPECT_TRUE(ranks.equal(at::arange(workers(), at::kLong)));
  });
}

TEST_P(Backends, AllReduceSumsAndLeavesTheInputAlone) {
  run([](Communicator& comm) {
    const int M = comm.size();
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      for (const int64_t n : kSizes) {
        // Whole numbers, exact in every order: sum of (i mod 1000 + m) = M i + M (M - 1) / 2.
        const at::Tensor base = at::arange(n, dtype).remainder_(1000);
        const at::Tensor in = base.add(comm.rank());
        const at::Tensor before = in.clone();
        at::Tensor out = at::full({n}, -1, dtype);
        comm.all_reduce_sum(in, out);
        const at::Tensor expected = base.mul(M).add(M * (M - 1) / 2);
        EXPECT_TRUE(out.equal(expected)) << n;
        EXPECT_TRUE(in.equal(before)) << n;
        comm.all_reduce_sum(in, in);
        EXPECT_TRUE(in.equal(expected)) << n;
      }
    }
  });
}

// 2.3 MB a worker: several messages of Gloo, several chunks of the ring.
TEST_P(Backends, LongVectorsTakeManyMessages) {
  run([](Communicator& comm) {
    const int64_t n = 2300001;
    const at::Tensor in = at::arange(n, at::kDouble).add_(comm.rank());
    at::Tensor out = at::empty({n}, at::kDouble);
    const int M = comm.size();
    const at::Tensor expected = at::arange(n, at::kDouble).mul_(M).add_(M * (M - 1) / 2);
    comm.all_reduce_sum(in, out);
    EXPECT_TRUE(out.equal(expected));
    comm.all_reduce_sum(in, in);
    EXPECT_TRUE(in.equal(expected));
  });
}

// Whatever parts of the sum a backend takes the norms of, each value counts once, and when it is
// final.
TEST_P(Backends, NormsBesideTheSumAreThoseOfTheSum) {
  run([](Communicator& comm) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      const double tolerance = dtype == at::kFloat ? 1e-6 : 1e-13;
      for (const int64_t n : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{2300001}}) {
        const at::Tensor x = at::arange(n, dtype).remainder_(1000).add_(comm.rank());
        const at::Tensor before = x.clone();
        at::Tensor sum = at::full({n}, -1, dtype), same = at::empty({n}, dtype);
        const SquaredNorms norms = comm.all_reduce_sum_norms(x, sum);
        EXPECT_TRUE(x.equal(before));
        comm.all_reduce_sum(x, same);
        EXPECT_TRUE(sum.equal(same));
        const SquaredNorms expected = squared_norms(x, sum, comm.size(), 0, n);
        EXPECT_NEAR(norms.distance, expected.distance, tolerance * expected.distance);
        EXPECT_NEAR(norms.mean, expected.mean, tolerance * expected.mean);
      }
    }
    EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, 16);
  });
}

// Each worker's own way to the mean, to the bit as in two operations; long vectors are passed over
// in parts where workers share memory.
TEST_P(Backends, EachGoesItsOwnWayToTheMean) {
  run([](Communicator& comm) {
    int64_t calls = 0, bytes = 0;
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      for (const int64_t n : {int64_t{0}, int64_t{1}, int64_t{1000}, int64_t{1400001}}) {
        for (const double weight : {0.2, 0.9, -3.0}) {
          const at::Tensor before = rough(comm.rank(), n, dtype);
          at::Tensor x = before.clone(), expected = before.clone(), sum = at::empty_like(before);
          const SquaredNorms norms = comm.all_reduce_sum_norms(before, sum);
          const double own = weight * (1 + comm.rank());
          lerp_to_mean(expected, sum, comm.size(), own);
          SquaredNorms asked;
          const SquaredNorms found =
              comm.all_reduce_lerp(x, at::empty_like(x), [&](const SquaredNorms& all) {
                asked = all;
                return own;
              });
          EXPECT_TRUE(x.equal(expected)) << n;
          for (const SquaredNorms& same : {asked, found}) {
            EXPECT_EQ(same.distance, norms.distance) << n;
            EXPECT_EQ(same.mean, norms.mean) << n;
          }
          calls += 2;
          bytes += 2 * static_cast<int64_t>(x.nbytes());
        }
      }
    }
    EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, calls);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).bytes, comm.size() > 1 ? bytes : 0);
  });
}

TEST_P(Backends, SumsAreTheSameBitsOnEveryWorkerInEveryRunInPlaceOrNot) {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    std::mutex mutex;
    std::vector<at::Tensor> sums;
    for (const bool in_place : {false, true}) {
      run([&](Communicator& comm) {
        const at::Tensor in = rough(comm.rank(), 300001, dtype);
        at::Tensor out = in_place ? in : at::empty_like(in);
        comm.all_reduce_sum(in, out);
        EXPECT_TRUE(comm.all_gather(out).eq(out).all().item<bool>());
        std::lock_guard lock(mutex);
        sums.push_back(out);
      });
    }
    for (const at::Tensor& sum : sums) EXPECT_TRUE(sum.equal(sums[0]));
  }
}

TEST_P(Backends, AgreeWithEachOtherToRounding) {
  at::Tensor expected = at::zeros({5000}, at::kDouble);
  for (int m = 0; m < workers(); ++m) expected.add_(rough(m, 5000, at::kDouble));
  run([&](Communicator& comm) {
    at::Tensor x = rough(comm.rank(), 5000, at::kDouble);
    comm.all_reduce_sum(x, x);
    EXPECT_LT(x.sub(expected).abs().max().item<double>(), 1e-11);
  });
}

TEST_P(Backends, AllReduceMeanDividesByTheWorkers) {
  run([](Communicator& comm) {
    at::Tensor x = at::full({9}, comm.rank(), at::kFloat);
    at::Tensor y = at::full({3, 3}, 2.0 * comm.rank(), at::kDouble);
    comm.all_reduce_mean(x);
    comm.all_reduce_mean(y);
    EXPECT_TRUE(x.equal(at::full({9}, (comm.size() - 1) / 2.0, at::kFloat)));
    EXPECT_TRUE(y.equal(at::full({3, 3}, comm.size() - 1.0, at::kDouble)));
  });
}

TEST_P(Backends, AllGatherStacksByRank) {
  run([](Communicator& comm) {
    const at::Tensor all = comm.all_gather(at::full({2, 3}, comm.rank(), at::kLong));
    EXPECT_EQ(all.sizes(), at::IntArrayRef({comm.size(), 2, 3}));
    for (int m = 0; m < comm.size(); ++m) {
      EXPECT_TRUE(all.select(0, m).equal(at::full({2, 3}, m, at::kLong)));
    }
    EXPECT_EQ(comm.all_gather(at::empty({0}, at::kFloat)).sizes(),
              at::IntArrayRef({comm.size(), 0}));
  });
}

TEST_P(Backends, BroadcastComesFromEveryRoot) {
  run([](Communicator& comm) {
    for (int root = 0; root < comm.size(); ++root) {
      at::Tensor x = at::full({70000}, comm.rank() * 10 + root, at::kInt);
      comm.broadcast(x, root);
      EXPECT_TRUE(x.equal(at::full({70000}, root * 11, at::kInt)));
    }
    at::Tensor nothing = at::empty({0}, at::kFloat);
    comm.broadcast(nothing, 0);
  });
}

TEST_P(Backends, ExchangeAroundARing) {
  run([](Communicator& comm) {
    const int M = comm.size(), rank = comm.rank();
    if (M == 1) return comm.exchange({}, {});
    const int right = (rank + 1) % M, left = (rank + M - 1) % M;
    // Lengths differ from pair to pair: rank r sends r + 1 values to the right.
    const at::Tensor out = at::full({rank + 1}, rank, at::kDouble);
    at::Tensor in = at::full({left + 1}, -1, at::kDouble);
    comm.exchange({{right, out}}, {{left, in}});
    EXPECT_TRUE(in.equal(at::full({left + 1}, left, at::kDouble)));
    in.fill_(-1);
    comm.start_exchange({{right, out}}, {{left, in}})->wait();
    EXPECT_TRUE(in.equal(at::full({left + 1}, left, at::kDouble)));
  });
}

TEST_P(Backends, ExchangeWithEverybodyAtOnce) {
  run([](Communicator& comm) {
    std::vector<Message> sends, receives;
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer == comm.rank()) continue;
      sends.push_back({peer, at::full({1000}, comm.rank() * 100 + peer, at::kInt)});
      receives.push_back({peer, at::empty({1000}, at::kInt)});
    }
    comm.exchange(sends, receives);
    for (const auto& [peer, tensor] : receives) {
      EXPECT_TRUE(tensor.equal(at::full({1000}, peer * 100 + comm.rank(), at::kInt)));
    }
  });
}

TEST_P(Backends, TextsOfAllLengths) {
  run([](Communicator& comm) {
    const auto texts = comm.all_gather_text(std::string(static_cast<size_t>(comm.rank()) * 3, 'x'));
    ASSERT_EQ(static_cast<int>(texts.size()), comm.size());
    for (size_t m = 0; m < texts.size(); ++m) EXPECT_EQ(texts[m], std::string(m * 3, 'x'));
    for (const std::string& text : comm.all_gather_text("")) EXPECT_EQ(text, "");
  });
}

TEST_P(Backends, TextsForWorkerZeroAlone) {
  run([](Communicator& comm) {
    const auto texts = comm.gather_text(std::string(static_cast<size_t>(comm.rank()) * 3, 'x'));
    ASSERT_EQ(static_cast<int>(texts.size()), comm.rank() == 0 ? comm.size() : 0);
    for (size_t m = 0; m < texts.size(); ++m) EXPECT_EQ(texts[m], std::string(m * 3, 'x'));
    EXPECT_EQ(static_cast<int>(comm.all_gather_text("a").size()), comm.size());
  });
}

TEST_P(Backends, StartedOperationsRunInOrderBeforeABlockingOne) {
  run([](Communicator& comm) {
    const int M = comm.size();
    const at::Tensor one = at::full({1000}, 1.0, at::kFloat);
    at::Tensor a = at::empty({1000}, at::kFloat), b = at::empty({1000}, at::kFloat);
    auto first = comm.start_all_reduce_sum(one, a);
    auto second = comm.start_all_reduce_sum(one, b);
    at::Tensor c = at::full({5}, 2.0, at::kFloat);
    comm.all_reduce_sum(c, c);
    EXPECT_EQ(c[0].item<float>(), 2 * M);
    second->wait();
    first->wait();
    first->wait();
    EXPECT_EQ(a[999].item<float>(), M);
    EXPECT_EQ(b[999].item<float>(), M);
    { const auto left_alone = comm.start_all_reduce_sum(b, a); }
    EXPECT_EQ(a[0].item<float>(), M * M);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, 4);
  });
}

// What one brings is made into what the next one sends.
TEST_P(Backends, StartedOperationsFollowFromEachOther) {
  run([](Communicator& comm) {
    const int M = comm.size(), rank = comm.rank();
    const int right = (rank + 1) % M, left = (rank + M - 1) % M;
    at::Tensor mine = at::full({3}, rank, at::kFloat), from = mine.clone(), sum = mine.clone();
    at::Tensor all = at::empty({M, 3}, at::kFloat), last = mine.clone();
    const std::vector<Message> sends = {{right, mine}}, receives = {{left, from}};
    const auto exchanged =
        comm.start_exchange(M > 1 ? sends : std::vector<Message>{},
                            M > 1 ? receives : std::vector<Message>{}, [&] { from.add_(1); });
    const auto summed = comm.start_all_reduce_sum(from, sum, [&] { mine.copy_(sum).add_(rank); });
    const auto gathered = comm.start_all_gather(mine, all, [&] { last.copy_(all[M - 1]); });
    const auto told = comm.start_broadcast(last, 0);
    for (const auto& work : {&exchanged, &summed, &gathered, &told}) (*work)->wait();
    const int total = M * (M - 1) / 2 + M;
    for (int m = 0; m < M; ++m) EXPECT_EQ(all[m][2].item<float>(), total + m);
    EXPECT_EQ(last[0].item<float>(), total + M - 1);
  });
}

TEST_P(Backends, CountCallsPayloadAndSeconds) {
  run([](Communicator& comm) {
    at::Tensor x = at::full({100}, 1.0, at::kFloat);
    comm.all_reduce_sum(x, x);
    comm.all_reduce_mean(x);
    comm.start_all_reduce_sum(x, x)->wait();
    comm.all_gather(at::full({10}, 1.0, at::kDouble));
    comm.all_gather_text("abc");
    comm.broadcast(x, 0);
    comm.barrier();
    const int M = comm.size(), rank = comm.rank();
    if (M > 1) {
      at::Tensor y = at::empty({100}, at::kFloat);
      comm.exchange({{(rank + 1) % M, x}}, {{(rank + M - 1) % M, y}});
    }
    const int64_t paid = M > 1;
    EXPECT_EQ(comm.stats(Operation::kAllReduce).calls, 3);
    EXPECT_EQ(comm.stats(Operation::kAllReduce).bytes, paid * 1200);
    EXPECT_EQ(comm.stats(Operation::kAllGather).calls, 2);
    EXPECT_EQ(comm.stats(Operation::kAllGather).bytes, paid * 83);
    EXPECT_EQ(comm.stats(Operation::kBroadcast).bytes, paid * 400);
    EXPECT_EQ(comm.stats(Operation::kExchange).bytes, paid * 400);
    EXPECT_EQ(comm.stats(Operation::kBarrier).calls, 1);
    EXPECT_EQ(comm.stats(Operation::kBarrier).bytes, 0);
    EXPECT_EQ(comm.total_bytes(), paid * (1200 + 83 + 400 + 400));
    EXPECT_GT(comm.stats(Operation::kAllReduce).seconds, 0);
  });
}

TEST_P(Backends, WorkersThatShareMemoryShareWorkerZerosObject) {
  run([](Communicator& comm) {
    const auto mine = std::make_shared<int>(10 + comm.rank());
    if (!comm.capabilities().shares_memory) {
      EXPECT_EQ(error_of<UsageError>([&] { comm.share(mine); }),
                fmt::format("the workers of backend {} share no memory", backend()));
      return;
    }
    const auto shared = comm.share(comm.rank() == 0 ? mine : nullptr);
    EXPECT_EQ(*shared, 10);
    comm.count_shared(100, 0.5);
    EXPECT_EQ(comm.stats(Operation::kShare).calls, 2);
    EXPECT_EQ(comm.total_bytes(), comm.size() > 1 ? 100 : 0);
    comm.barrier();
  });
}

TEST_P(Backends, AllStopAtTheSameOperation) {
  run([](Communicator& comm) {
    at::Tensor x = at::full({10}, 1.0, at::kFloat);
    const auto all = {0, 1, 2, 3, 4, 5, 6, 7};
    std::vector<bool> agreed;
    for (const int i : all) {
      if (comm.rank() == comm.size() - 1 && i == 3) comm.request_stop();
      if (i % 4 == 0) comm.barrier();
      if (i % 4 == 1) comm.broadcast(x, 0);
      if (i % 4 == 2) comm.start_all_reduce_sum(x, x)->wait();
      if (i % 4 == 3) comm.all_gather(x);
      agreed.push_back(comm.stop_agreed());
    }
    EXPECT_THAT(agreed, testing::ElementsAre(false, false, false, true, true, true, true, true));
  });
}

// What a call does not allow is refused before anything is sent.
TEST_P(Backends, RefuseWhatTheyCannotSend) {
  run([](Communicator& comm) {
    const auto says = [](const auto& call) -> std::string {
      try {
        call();
      } catch (const UsageError& error) {
        return error.what();
      }
      return "nothing";
    };
    at::Tensor x = at::zeros({4, 4}, at::kFloat);
    at::Tensor transposed = x.t();
    at::Tensor whole = at::zeros({4}, at::kLong);
    const int M = comm.size(), rank = comm.rank();
    EXPECT_EQ(says([&] { comm.all_reduce_sum(transposed, x); }),
              "all_reduce: the tensor must be contiguous");
    EXPECT_EQ(says([&] { comm.all_reduce_mean(at::Tensor()); }),
              "all_reduce: the tensor is undefined");
    EXPECT_EQ(says([&] { comm.all_reduce_sum(whole, whole); }),
              fmt::format("all_reduce: backend {} adds up float or double values, got long",
                          comm.backend()));
    EXPECT_EQ(says([&] { comm.broadcast(at::empty({4}, at::device(at::kMeta)), 0); }),
              fmt::format("broadcast: backend {} takes tensors on {}, got one on meta",
                          comm.backend(), describe_devices(comm.capabilities().devices)));
    EXPECT_EQ(says([&] { comm.all_reduce_sum(x, at::zeros({16}, at::kDouble)); }),
              "all_reduce: in is float, out is double");
    EXPECT_EQ(
        says([&] {
          comm.start_all_gather(whole, at::zeros({M, 5}, at::kLong));
        }),
        fmt::format("all_gather: 4 values of each of {} workers need a row each, got room for "
                    "{}",
                    M, 5 * M));
    EXPECT_EQ(says([&] { comm.all_reduce_sum(x, at::zeros({15}, at::kFloat)); }),
              "all_reduce: in has 16 values, out has 15");
    EXPECT_EQ(
        says([&] { comm.all_reduce_sum(x.view(-1).slice(0, 0, 8), x.view(-1).slice(0, 4, 12)); }),
        "all_reduce: in and out overlap; they must be the same memory or apart");
    EXPECT_EQ(says([&] { comm.all_reduce_sum_norms(x, x); }),
              "all_reduce: norms beside the sum need x and the sum apart");
    EXPECT_EQ(says([&] { comm.all_reduce_lerp(x, x, [](const SquaredNorms&) { return 1; }); }),
              "all_reduce: norms beside the sum need x and the sum apart");
    EXPECT_EQ(says([&] { comm.broadcast(x, M); }),
              fmt::format("broadcast: root must be in [0, {}), got {}", M, M));
    EXPECT_EQ(says([&] {
                comm.exchange({{rank, x}}, {});
              }),
              fmt::format("exchange: peer must be another rank in [0, {}), got {}", M, rank));
    if (M > 1) {
      const int peer = (rank + 1) % M;
      EXPECT_EQ(says([&] {
                  comm.exchange({{peer, x}, {peer, x}}, {});
                }),
                fmt::format("exchange: two sends to rank {} in one call", peer));
      EXPECT_EQ(says([&] {
                  comm.exchange({}, {{peer, x}, {peer, x}});
                }),
                fmt::format("exchange: two receives from rank {} in one call", peer));
    }
    comm.barrier();  // still usable
  });
}

// Runs fn on every rank and returns what each got as a CommError.
std::vector<std::string> errors_of(int workers, const std::string& backend, double timeout,
                                   const std::function<void(Communicator&)>& fn) {
  std::vector<std::string> errors(static_cast<size_t>(workers), "no error");
  run_ranks(
      workers,
      [&](Communicator& comm) {
        try {
          fn(comm);
        } catch (const CommError& error) {
          errors[static_cast<size_t>(comm.rank())] = error.what();
        }
      },
      backend, timeout);
  return written_by_all(backend, errors);
}

class Failures : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Comm, Failures, testing::ValuesIn(tested_backends()),
                         [](const auto& info) { return info.param; });

TEST_P(Failures, AMismatchNamesTheRankOnEveryWorker) {
  const auto errors = errors_of(3, GetParam(), 10, [](Communicator& comm) {
    comm.barrier();
    at::Tensor x = at::full({5}, 1.0, at::kFloat);
    comm.rank() == 2 ? comm.all_reduce_sum(x, x) : comm.barrier();
  });
  EXPECT_THAT(errors, testing::Each("rank 2 called all_reduce of 5 float values as operation 2, "
                                    "rank 0 called barrier"));
}

TEST_P(Failures, SizesDtypesAndRootsAreCompared) {
  EXPECT_THAT(errors_of(2, GetParam(), 10,
                        [](Communicator& comm) {
                          at::Tensor x = at::zeros({4 + comm.rank()}, at::kFloat);
                          comm.all_reduce_sum(x, x);
                        }),
              testing::Each("rank 1 called all_reduce of 5 float values as operation 1, rank 0 "
                            "called all_reduce of 4 float values"));
  EXPECT_THAT(
      errors_of(3, GetParam(), 10,
                [](Communicator& comm) {
                  comm.all_gather(at::zeros({2}, comm.rank() == 0 ? at::kDouble : at::kFloat));
                }),
      testing::Each("rank 0 called all_gather of 2 double values as operation 1, rank 1 "
                    "called all_gather of 2 float values"));
  EXPECT_THAT(errors_of(2, GetParam(), 10,
                        [](Communicator& comm) {
                          at::Tensor x = at::zeros({2}, at::kFloat);
                          comm.broadcast(x, comm.rank());
                        }),
              testing::Each("rank 1 called broadcast of 2 float values from rank 1 as operation 1, "
                            "rank 0 called broadcast of 2 float values from rank 0"));
}

TEST_P(Failures, MessagesThatDoNotMatchAreNamed) {
  EXPECT_THAT(
      errors_of(2, GetParam(), 10,
                [](Communicator& comm) {
                  at::Tensor x = at::zeros({5 - comm.rank()}, at::kFloat);
                  const Message message{1 - comm.rank(), x};
                  comm.rank() == 0 ? comm.exchange({message}, {}) : comm.exchange({}, {message});
                }),
      testing::Each("rank 0 sends 5 float values to rank 1 in exchange 1, rank 1 expects 4 float "
                    "values"));
  EXPECT_THAT(errors_of(2, GetParam(), 10,
                        [](Communicator& comm) {
                          at::Tensor x = at::zeros({5}, at::kFloat);
                          comm.rank() == 1 ? comm.exchange({{0, x}}, {}) : comm.exchange({}, {});
                        }),
              testing::Each("rank 1 sends 5 float values to rank 0 in exchange 1, rank 0 expects "
                            "nothing"));
  EXPECT_THAT(errors_of(2, GetParam(), 10,
                        [](Communicator& comm) {
                          at::Tensor x = at::zeros({5}, at::kFloat);
                          comm.rank() == 1 ? comm.exchange({}, {{0, x}}) : comm.exchange({}, {});
                        }),
              testing::Each("rank 0 sends nothing to rank 1 in exchange 1, rank 1 expects 5 float "
                            "values"));
}

TEST_P(Failures, AWorkerThatDoesNotComeIsNamedAfterTheTimeout) {
  const auto errors = errors_of(3, GetParam(), 0.4, [](Communicator& comm) {
    comm.barrier();
    if (comm.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(900));
    at::Tensor x = at::zeros({10}, at::kFloat);
    comm.all_reduce_sum(x, x);
  });
  // One of the two notices first; the other says the same, in its own name or the first one's.
  for (const int rank : {0, 2}) {
    EXPECT_THAT(errors[static_cast<size_t>(rank)],
                testing::MatchesRegex("(rank [02] )?timed out after 0\\.[4-8] s in all_reduce 2: "
                                      "waiting for rank 1"));
  }
  EXPECT_THAT(errors[1], testing::MatchesRegex("rank [02] timed out after 0\\.[4-8] s in "
                                               "all_reduce 2: waiting for rank 1"));
}

TEST_P(Failures, AllMissingWorkersAreNamed) {
  const auto errors = errors_of(3, GetParam(), 0.3, [](Communicator& comm) {
    if (comm.rank() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(700));
    comm.barrier();
  });
  EXPECT_THAT(errors[0], testing::MatchesRegex(
                             "timed out after 0\\.[3-6] s in barrier 1: waiting for ranks 1, 2"));
}

TEST_P(Failures, AnAbortReachesWaitingPeersWithItsReason) {
  const auto errors = errors_of(3, GetParam(), 10, [](Communicator& comm) {
    comm.barrier();
    if (comm.rank() == 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      comm.abort("the loss is not finite");
      comm.barrier();
    }
    comm.barrier();
  });
  for (const int rank : {0, 1}) {
    EXPECT_THAT(errors[static_cast<size_t>(rank)],
                testing::MatchesRegex("lost rank 2 \\(the loss is not finite\\) in barrier 2 after "
                                      "0\\.[0-9] s"));
  }
  EXPECT_THAT(errors[2], testing::HasSubstr("rank 2 has left the group"));
}

TEST_P(Failures, AnAbortReachesPeersThatComeLater) {
  const auto errors = errors_of(2, GetParam(), 10, [](Communicator& comm) {
    if (comm.rank() == 1) return comm.abort("no disk");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    comm.barrier();
  });
  EXPECT_THAT(errors[0],
              testing::MatchesRegex("lost rank 1 \\(no disk\\) in barrier 1 after 0.0 s"));
}

TEST_P(Failures, AWorkerThatLeavesIsNamed) {
  const auto errors = errors_of(3, GetParam(), 10, [](Communicator& comm) {
    comm.barrier();
    if (comm.rank() != 1) comm.barrier();
  });
  for (const int rank : {0, 2}) {
    EXPECT_THAT(errors[static_cast<size_t>(rank)],
                testing::MatchesRegex("lost rank 1 \\(it left the group after operation 1\\) in "
                                      "barrier 2 after 0\\.[0-9] s"));
  }
}

TEST_P(Failures, AfterAFailureEveryOperationSaysWhy) {
  const auto errors = errors_of(2, GetParam(), 10, [](Communicator& comm) {
    try {
      comm.rank() == 0 ? comm.barrier() : comm.broadcast(at::zeros({1}, at::kFloat), 0);
    } catch (const CommError&) {
    }
    at::Tensor x = at::zeros({4}, at::kFloat);
    comm.start_all_reduce_sum(x, x)->wait();
  });
  EXPECT_THAT(errors, testing::Each("the group has ended: rank 1 called broadcast of 1 float value "
                                    "from rank 0 as operation 1, rank 0 called barrier"));
}

TEST_P(Failures, AStartedOperationThrowsInWait) {
  const auto errors = errors_of(2, GetParam(), 0.3, [](Communicator& comm) {
    at::Tensor x = at::zeros({4}, at::kFloat);
    if (comm.rank() == 0) return comm.start_all_reduce_sum(x, x)->wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
  });
  EXPECT_THAT(errors[0], testing::MatchesRegex(
                             "timed out after 0.[3-5] s in all_reduce 1: waiting for rank 1"));
}

TEST_P(Failures, TheFirstRealErrorIsRethrown) {
  if (GetParam() == "mpi") GTEST_SKIP() << "there every process throws its own";
  try {
    run_ranks(
        3,
        [](Communicator& comm) {
          comm.barrier();
          if (comm.rank() == 1) throw std::invalid_argument("no such file");
          comm.barrier();
        },
        GetParam());
    FAIL() << "nothing was thrown";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "no such file");
  }
}

TEST_P(Failures, AnAbortEndsAStartedOperationOfTheSameWorker) {
  const auto errors = errors_of(2, GetParam(), 10, [](Communicator& comm) {
    at::Tensor x = at::zeros({4}, at::kFloat);
    if (comm.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(400));
      return comm.barrier();
    }
    auto work = comm.start_all_reduce_sum(x, x);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    comm.abort("changed its mind");
    work->wait();
  });
  EXPECT_THAT(errors[0], testing::StartsWith("rank 0 has left the group"));
  EXPECT_THAT(errors[1], testing::StartsWith("lost rank 0 (changed its mind) in barrier 1"));
}

}  // namespace
}  // namespace valley::communicator_test
