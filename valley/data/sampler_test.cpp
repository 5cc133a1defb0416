#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "valley/data/loader.h"
#include "valley/data/test_files.h"

namespace valley::sampler_test {
namespace {

using Indices = std::vector<int64_t>;

Indices batch(Sampler& sampler, int64_t step) {
  const auto indices = sampler.batch(step);
  return {indices.begin(), indices.end()};
}

/// The batches of all workers at a step, one after the other.
Indices all_workers(SamplerOptions options, int64_t step) {
  Indices all;
  for (options.rank = 0; options.rank < options.workers; ++options.rank) {
    Sampler sampler(options);
    for (const int64_t index : sampler.batch(step)) all.push_back(index);
  }
  return all;
}

Indices epoch_of(const SamplerOptions& options, int64_t epoch) {
  Indices all;
  const int64_t steps = Sampler(options).steps_per_epoch();
  for (int64_t t = 0; t < steps; ++t)
    for (const int64_t index : all_workers(options, epoch * steps + t)) all.push_back(index);
  return all;
}

TEST(Sampler, AnEpochHoldsEveryExampleOnce) {
  for (const auto tail : {Tail::kDrop, Tail::kKeep}) {
    const SamplerOptions options{.examples = 60, .batch_size = 5, .workers = 4, .tail = tail};
    EXPECT_EQ(Sampler(options).steps_per_epoch(), 3);
    for (const int64_t epoch : {0, 1, 7}) {
      Indices seen = epoch_of(options, epoch);
      std::sort(seen.begin(), seen.end());
      Indices expected(60);
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(seen, expected);
    }
  }
}

TEST(Sampler, GroupsOfAnySizeTakeTheSameRow) {
  SamplerOptions one{.examples = 103, .batch_size = 5, .seed = 2, .deal = Deal{}};
  Sampler row(one);
  Indices expected, dealt;  // two epochs of 20 batches, and the beginning of a third
  for (int64_t t = 0; t < 46; ++t)
    for (const int64_t index : batch(row, t)) expected.push_back(index);
  // 4 workers for 5 steps, 3 for 4, 1 for 2, 4 again for 3.
  int64_t step = 0, taken = 0;
  for (const auto& [workers, steps] : {std::pair(4, 5), {3, 4}, {1, 2}, {4, 3}}) {
    SamplerOptions group = one;
    group.workers = workers;
    group.deal = Deal{.from_step = step, .taken = taken};
    for (int t = 0; t < steps; ++t, ++step, taken += workers)
      for (const int64_t index : all_workers(group, step)) dealt.push_back(index);
  }
  EXPECT_EQ(taken, 46);
  EXPECT_EQ(dealt, expected);
  Indices first(expected.begin(), expected.begin() + 100);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(std::unique(first.begin(), first.end()), first.end());
}

TEST(Sampler, ADealGoesWithNoPartition) {
  EXPECT_THROW(
      Sampler({.examples = 4, .batch_size = 1, .workers = 2, .deal = Deal{}}, {{0, 1}, {2, 3}}),
      std::invalid_argument);
}

TEST(Sampler, WorkersTogetherEqualOneWithTheWholeBatch) {
  const SamplerOptions four{.examples = 103, .batch_size = 5, .workers = 4, .seed = 2};
  Sampler one({.examples = 103, .batch_size = 20, .seed = 2});
  EXPECT_EQ(one.steps_per_epoch(), 5);
  for (int64_t step = 0; step < 15; ++step)
    EXPECT_EQ(all_workers(four, step), batch(one, step)) << step;
}

TEST(Sampler, DropLeavesOutAnotherTailEveryEpoch) {
  const SamplerOptions options{.examples = 103, .batch_size = 5, .workers = 4};
  std::set<int64_t> ever;
  for (int64_t epoch = 0; epoch < 5; ++epoch) {
    const Indices seen = epoch_of(options, epoch);
    const std::set<int64_t> distinct(seen.begin(), seen.end());
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_EQ(distinct.size(), 100u);
    ever.insert(seen.begin(), seen.end());
  }
  EXPECT_EQ(ever.size(), 103u);
}

TEST(Sampler, KeepSplitsTheTailEqually) {
  for (int64_t tail = 1; tail < 20; ++tail) {
    const SamplerOptions options{
        .examples = 40 + tail, .batch_size = 5, .workers = 4, .tail = Tail::kKeep};
    EXPECT_EQ(Sampler(options).steps_per_epoch(), 3);
    const Indices seen = epoch_of(options, 1);
    const int64_t each = (tail + 3) / 4;
    ASSERT_EQ(static_cast<int64_t>(seen.size()), 40 + 4 * each);
    // All examples once, then the permutation from its start.
    EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.begin() + 40 + tail).size(), 40u + tail);
    EXPECT_TRUE(std::equal(seen.begin() + 40 + tail, seen.end(), seen.begin()));
    for (int rank = 0; rank < 4; ++rank) {
      SamplerOptions own = options;
      own.rank = rank;
      Sampler sampler(own);
      EXPECT_EQ(batch(sampler, 4).size(), 5u);
      EXPECT_EQ(static_cast<int64_t>(batch(sampler, 5).size()), each);
    }
  }
}

TEST(Sampler, FewerExamplesThanOneStepTakes) {
  SamplerOptions options{.examples = 10, .batch_size = 32, .workers = 4};
  EXPECT_EQ(Sampler(options).steps_per_epoch(), 1);
  EXPECT_EQ(all_workers(options, 0).size(), 8u);
  options.tail = Tail::kKeep;
  EXPECT_EQ(Sampler(options).steps_per_epoch(), 2);
  EXPECT_EQ(all_workers(options, 0).size(), 8u);
  EXPECT_EQ(all_workers(options, 1).size(), 4u);
  const Indices epoch = epoch_of(options, 0);
  EXPECT_EQ(std::set<int64_t>(epoch.begin(), epoch.end()).size(), 10u);

  options = {.examples = 4, .batch_size = 32, .workers = 4};
  const Indices one_each = all_workers(options, 3);
  EXPECT_EQ(std::set<int64_t>(one_each.begin(), one_each.end()).size(), 4u);
}

TEST(Sampler, EpochsAndSeedsShuffleAnew) {
  const SamplerOptions options{.examples = 50, .batch_size = 50};
  SamplerOptions other = options;
  other.seed = 1;
  EXPECT_NE(epoch_of(options, 0), epoch_of(options, 1));
  EXPECT_NE(epoch_of(options, 0), epoch_of(other, 0));
  EXPECT_EQ(epoch_of(options, 3), epoch_of(options, 3));
}

TEST(Sampler, EveryOrderIsEquallyLikely) {
  Sampler sampler({.examples = 4, .batch_size = 4});
  std::map<Indices, int> counts;
  for (int64_t epoch = 0; epoch < 2400; ++epoch) ++counts[batch(sampler, epoch)];
  EXPECT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 100, 5 * std::sqrt(100.0));
}

TEST(Sampler, AnyStepInAnyOrder) {
  for (const auto tail : {Tail::kDrop, Tail::kKeep}) {
    const SamplerOptions options{
        .examples = 103, .batch_size = 7, .rank = 1, .workers = 3, .seed = 5, .tail = tail};
    std::vector<Indices> forward;
    Sampler sampler(options);
    for (int64_t step = 0; step < 20; ++step) forward.push_back(batch(sampler, step));
    for (int64_t step = 20; step-- > 0;) EXPECT_EQ(batch(sampler, step), forward[step]);
    // A resumed run starts in the middle.
    for (int64_t step = 0; step < 20; ++step) {
      Sampler resumed(options);
      EXPECT_EQ(batch(resumed, step), forward[step]);
    }
  }
}

/// Worker m has the examples m, m + M, m + 2 M, ...
Partition stripes(int64_t examples, int workers) {
  Partition partition(workers);
  for (int64_t i = 0; i < examples; ++i) partition[i % workers].push_back(i);
  return partition;
}

TEST(PartitionedSampler, EveryWorkerSeesItsOwnExamplesOnly) {
  const Partition partition = stripes(60, 4);
  for (int rank = 0; rank < 4; ++rank) {
    Sampler sampler({.examples = 60, .batch_size = 5, .rank = rank, .workers = 4}, partition);
    EXPECT_EQ(sampler.steps_per_epoch(), 3);
    Indices first;
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      Indices seen;
      for (int64_t t = 0; t < 3; ++t)
        for (const int64_t index : sampler.batch(epoch * 3 + t)) seen.push_back(index);
      if (epoch == 0) first = seen;
      EXPECT_EQ(seen == first, epoch == 0);
      std::sort(seen.begin(), seen.end());
      EXPECT_EQ(seen, partition[rank]);
    }
  }
}

TEST(PartitionedSampler, StepsAndSizesAreThoseWithoutAPartition) {
  for (const auto tail : {Tail::kDrop, Tail::kKeep}) {
    for (int64_t examples : {3, 10, 60, 61, 103}) {
      SamplerOptions options{.examples = examples, .batch_size = 5, .workers = 3, .tail = tail};
      Partition lopsided(3);
      for (int64_t i = 0; i < examples; ++i) lopsided[std::min<int64_t>(i, 2)].push_back(i);
      for (options.rank = 0; options.rank < 3; ++options.rank) {
        Sampler plain(options), parted(options, lopsided);
        ASSERT_EQ(parted.steps_per_epoch(), plain.steps_per_epoch());
        for (int64_t step = 0; step < 3 * plain.steps_per_epoch(); ++step)
          EXPECT_EQ(batch(parted, step).size(), batch(plain, step).size());
      }
    }
  }
}

TEST(PartitionedSampler, AShortPartBeginsAgain) {
  const Partition partition = {{7, 8}, {0, 1, 2, 3, 4, 5, 6, 9, 10, 11}};
  SamplerOptions options{.examples = 12, .batch_size = 3, .workers = 2};
  Sampler small(options, partition);
  ASSERT_EQ(small.steps_per_epoch(), 2);
  Indices seen = batch(small, 0);
  for (const int64_t index : small.batch(1)) seen.push_back(index);
  for (size_t k = 2; k < 6; ++k) EXPECT_EQ(seen[k], seen[k - 2]);
  EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()), (std::set<int64_t>{7, 8}));

  // A long part leaves out others every epoch.
  options.rank = 1;
  Sampler large(options, partition);
  std::set<int64_t> ever;
  for (int64_t step = 0; step < 2; ++step)
    for (const int64_t index : large.batch(step)) EXPECT_TRUE(ever.insert(index).second);
  for (int64_t step = 2; step < 40; ++step)
    for (const int64_t index : large.batch(step)) ever.insert(index);
  EXPECT_EQ(ever.size(), 10u);
}

TEST(PartitionedSampler, AnyStepInAnyOrder) {
  for (const auto tail : {Tail::kDrop, Tail::kKeep}) {
    const Partition partition = {{1, 2}, stripes(103, 2)[0], {3, 5}};
    const SamplerOptions options{
        .examples = 103, .batch_size = 7, .rank = 1, .workers = 3, .seed = 5, .tail = tail};
    std::vector<Indices> forward;
    Sampler sampler(options, partition);
    for (int64_t step = 0; step < 20; ++step) forward.push_back(batch(sampler, step));
    for (int64_t step = 20; step-- > 0;) {
      EXPECT_EQ(batch(sampler, step), forward[step]);
      Sampler resumed(options, partition);
      EXPECT_EQ(batch(resumed, step), forward[step]);
    }
  }
}

TEST(PartitionedSampler, SeedsAndWorkersShuffleDifferently) {
  // The same part on both workers shows that their orders are their own.
  const Partition partition(2, stripes(40, 1)[0]);
  const auto order = [&](int rank, uint64_t seed) {
    Sampler sampler({.examples = 40, .batch_size = 20, .rank = rank, .workers = 2, .seed = seed},
                    partition);
    return batch(sampler, 0);
  };
  EXPECT_EQ(order(0, 0), order(0, 0));
  EXPECT_NE(order(0, 0), order(1, 0));
  EXPECT_NE(order(0, 0), order(0, 1));
}

TEST(PartitionedSampler, RandomExamplesAreOfTheOwnPart) {
  const SamplerOptions options{.examples = 12, .rank = 1, .workers = 2};
  Random random(3), same(3);
  EXPECT_EQ(Sampler(options).random_example(random), int64_t(same.below(12)));
  const Sampler sampler(options, stripes(12, 2));
  std::map<int64_t, int> counts;
  for (int k = 0; k < 600; ++k) ++counts[sampler.random_example(random)];
  EXPECT_EQ(counts.size(), 6u);
  for (const auto& [index, count] : counts) {
    EXPECT_EQ(index % 2, 1);
    EXPECT_NEAR(count, 100, 5 * std::sqrt(100.0));
  }
}

TEST(PartitionedSampler, Errors) {
  const SamplerOptions options{.examples = 9, .workers = 3};
  EXPECT_EQ(usage_error([&] {
              Sampler(options, {{0}, {1, 2}, {}});
            }),
            "worker 2 gets no training sample");
  EXPECT_THROW(Sampler(options, {{0}, {1, 2}}), std::invalid_argument);
  EXPECT_THROW(Sampler(options, {{0}, {1, 9}, {2}}), std::out_of_range);
  EXPECT_THROW(Sampler(options, {{0}, {-1}, {2}}), std::out_of_range);
}

TEST(Sampler, Errors) {
  EXPECT_EQ(usage_error([] { Sampler({.examples = 5, .workers = 8}); }),
            "more workers (8) than training samples (5)");
  EXPECT_EQ(usage_error([] { Sampler({.examples = 0}); }),
            "more workers (1) than training samples (0)");
  EXPECT_EQ(usage_error([] { Sampler({.examples = 5, .batch_size = 0}); }),
            "batch-size must be at least 1, got 0");
  EXPECT_EQ(usage_error([] { Sampler({.examples = 5, .workers = 0}); }),
            "workers must be at least 1, got 0");
  EXPECT_THROW(Sampler({.examples = 5, .rank = 2, .workers = 2}), std::out_of_range);
  EXPECT_THROW(Sampler({.examples = 5, .rank = -1, .workers = 2}), std::out_of_range);
  EXPECT_THROW(Sampler({.examples = 5}).batch(-1), std::out_of_range);
}

}  // namespace
}  // namespace valley::sampler_test
