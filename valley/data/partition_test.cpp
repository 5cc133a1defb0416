#include "valley/data/partition.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "valley/data/test_files.h"

namespace valley::partition_test {
namespace {

using testing::Each;
using testing::ElementsAre;

constexpr PartitionKind kDirichlet = PartitionKind::kDirichlet;
constexpr PartitionKind kShards = PartitionKind::kShards;

/// sizes[c] examples of class c, the classes taking turns as long as they last.
at::Tensor targets_of(std::vector<int64_t> sizes) {
  std::vector<int64_t> targets;
  for (bool any = true; any;) {
    any = false;
    for (size_t c = 0; c < sizes.size(); ++c) {
      if (sizes[c]-- <= 0) continue;
      targets.push_back(static_cast<int64_t>(c));
      any = true;
    }
  }
  return at::tensor(targets, at::kLong);
}

std::vector<int64_t> sizes_of(const Partition& partition) {
  std::vector<int64_t> sizes;
  for (const auto& part : partition) sizes.push_back(static_cast<int64_t>(part.size()));
  return sizes;
}

void expect_every_example_once(const Partition& partition, int64_t examples) {
  std::vector<int64_t> all;
  for (const auto& part : partition) {
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end());
  std::vector<int64_t> expected(examples);
  std::iota(expected.begin(), expected.end(), int64_t{0});
  EXPECT_EQ(all, expected);
}

/// Mean over the workers of sum_c |share of class c here - share of class c overall| / 2: 0 for
/// equal mixtures, 1 - 1/C where every worker has one of C equal classes.
double mean_distance_from_the_whole(const ClassHistogram& histogram) {
  const size_t classes = histogram.counts[0].size();
  std::vector<double> whole(classes);
  double examples = 0;
  for (const auto& own : histogram.counts)
    for (size_t c = 0; c < classes; ++c) {
      whole[c] += static_cast<double>(own[c]);
      examples += static_cast<double>(own[c]);
    }
  double distance = 0;
  for (const auto& own : histogram.counts) {
    const auto size = static_cast<double>(std::accumulate(own.begin(), own.end(), int64_t{0}));
    for (size_t c = 0; c < classes; ++c)
      distance += std::abs(static_cast<double>(own[c]) / size - whole[c] / examples) / 2;
  }
  return distance / static_cast<double>(histogram.counts.size());
}

TEST(Partition, TextsAreReadAndWritten) {
  EXPECT_EQ(parse_partition("iid"), PartitionSpec{});
  EXPECT_EQ(parse_partition("dirichlet:0.3"), (PartitionSpec{.kind = kDirichlet, .alpha = 0.3}));
  EXPECT_EQ(parse_partition("shards:5"), (PartitionSpec{.kind = kShards, .shards = 5}));
  for (const std::string text : {"iid", "dirichlet:0.3", "dirichlet:100", "shards:5"})
    EXPECT_EQ(to_string(parse_partition(text)), text);
}

TEST(Partition, TextsThatMeanNothing) {
  const auto message = [](const std::string& text) {
    return usage_error([&] { parse_partition(text); });
  };
  EXPECT_EQ(message("dirichlt:0.3"),
            "unknown partition 'dirichlt'; did you mean 'dirichlet'? known: iid, dirichlet, "
            "shards, origin");
  EXPECT_EQ(message("iid:1"), "partition iid takes no value, got '1'");
  EXPECT_EQ(message("shards:0"),
            "partition shards:K needs a whole number K of at least 1, got '0'");
  for (const std::string value : {"", "-1", "2.5", "99999999999999999999"})
    EXPECT_EQ(message("shards:" + value),
              "partition shards:K needs a whole number K of at least 1, got '" + value + "'");
  EXPECT_EQ(message("shards"), "partition shards:K needs a whole number K of at least 1, got ''");
  for (const std::string value : {"0", "-1", "", "x", "0.3x", "nan", "inf", "1e999"})
    EXPECT_EQ(message("dirichlet:" + value),
              "partition dirichlet:ALPHA needs a number ALPHA above 0, got '" + value + "'");
}

TEST(Partition, IidHasNoParts) {
  EXPECT_TRUE(make_partition(targets_of({5, 5}), 2, 3, {}).empty());
}

TEST(Partition, EveryExampleBelongsToOneWorker) {
  for (const int workers : {1, 2, 3, 7}) {
    for (const char* text :
         {"dirichlet:0.05", "dirichlet:1", "dirichlet:1000", "shards:1", "shards:2", "shards:5"}) {
      const auto targets = targets_of({40, 1, 33, 7});
      const Partition parts = make_partition(targets, 4, workers, parse_partition(text));
      ASSERT_EQ(parts.size(), static_cast<size_t>(workers)) << text;
      expect_every_example_once(parts, 81);
    }
  }
}

TEST(Partition, DirichletPartsAreEqualByOne) {
  const Partition parts =
      make_partition(targets_of({50, 30, 23}), 3, 4, {.kind = kDirichlet, .alpha = 0.1});
  EXPECT_THAT(sizes_of(parts), ElementsAre(26, 26, 26, 25));
}

TEST(Partition, ShardPartsAreEqualByTheirShards) {
  // 103 examples in 12 shards: 8 or 9 each.
  const Partition parts =
      make_partition(targets_of({50, 30, 23}), 3, 4, {.kind = kShards, .shards = 3});
  for (const int64_t size : sizes_of(parts)) {
    EXPECT_GE(size, 24);
    EXPECT_LE(size, 27);
  }
}

TEST(Partition, ShardsOfWholeClasses) {
  // Four classes of 10 in 4 shards, one a worker: everybody has one class whole.
  const auto targets = targets_of({10, 10, 10, 10});
  const auto histogram =
      class_histogram(targets, 4, make_partition(targets, 4, 4, {.kind = kShards, .shards = 1}));
  std::vector<int64_t> class_of_worker;
  for (const auto& own : histogram.counts) {
    EXPECT_EQ(*std::max_element(own.begin(), own.end()), 10);
    class_of_worker.push_back(std::max_element(own.begin(), own.end()) - own.begin());
  }
  EXPECT_THAT(class_of_worker, testing::UnorderedElementsAre(0, 1, 2, 3));
}

TEST(Partition, ShardsBoundTheClassesOfAWorker) {
  // A shard of 25 within classes of 100 lies in one class: at most K classes a worker.
  const auto targets = targets_of(std::vector<int64_t>(10, 100));
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto histogram = class_histogram(
        targets, 10, make_partition(targets, 10, 20, {.kind = kShards, .shards = 2, .seed = seed}));
    for (const auto& own : histogram.counts)
      EXPECT_LE(10 - std::count(own.begin(), own.end(), 0), 2);
  }
}

TEST(Partition, AlphaSaysHowFarApartTheWorkersAre) {
  const auto targets = targets_of(std::vector<int64_t>(10, 400));
  double previous = 1;
  for (const double alpha : {1e-300, 0.1, 1.0, 10.0, 1e300}) {
    double distance = 0;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      const PartitionSpec spec{.kind = kDirichlet, .alpha = alpha, .seed = seed};
      const auto parts = make_partition(targets, 10, 10, spec);
      EXPECT_THAT(sizes_of(parts), Each(400));
      distance += mean_distance_from_the_whole(class_histogram(targets, 10, parts)) / 10;
    }
    EXPECT_LT(distance, previous) << alpha;
    if (alpha == 0.1) {
      EXPECT_GT(distance, 0.5);
    } else if (alpha == 1e300) {
      EXPECT_LT(distance, 0.08);  // 400 draws of ten classes alone: 0.06
    }
    previous = distance;
  }
}

// Of many workers with two classes, one's share of class 0 is a draw of Dirichlet(alpha, alpha) =
// Beta(alpha, alpha), whose variance is 1 / (4 (2 alpha + 1)).
TEST(Partition, TheMixtureOfAWorkerIsADrawOfDirichlet) {
  const int workers = 50;
  const double alpha = 2;
  const auto targets = targets_of({2500, 2500});
  double sum = 0, squares = 0;
  int64_t n = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const PartitionSpec spec{.kind = kDirichlet, .alpha = alpha, .seed = seed};
    const auto histogram = class_histogram(targets, 2, make_partition(targets, 2, workers, spec));
    for (const auto& own : histogram.counts) {
      const double share = static_cast<double>(own[0]) / 100.0;
      sum += share;
      squares += share * share;
      ++n;
    }
  }
  const double mean = sum / static_cast<double>(n);
  const double variance = squares / static_cast<double>(n) - mean * mean;
  EXPECT_NEAR(mean, 0.5, 1e-12);  // all examples are dealt
  // Beta's variance, and that of 100 draws at a share: E[p (1 - p)] / 100. Every worker draws to
  // the end, when classes run short, which costs a little of the spread.
  const double beta = 1 / (4 * (2 * alpha + 1));
  EXPECT_NEAR(variance, beta + (0.25 - beta) / 100, 0.1 * beta);
}

TEST(Partition, NoPlaceAmongTheWorkersIsFavoured) {
  // The first to draw and the last: the same number of classes on average.
  const auto targets = targets_of(std::vector<int64_t>(5, 40));
  std::vector<double> held(4);
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const PartitionSpec spec{.kind = kDirichlet, .alpha = 0.2, .seed = seed};
    const auto histogram = class_histogram(targets, 5, make_partition(targets, 5, 4, spec));
    for (size_t m = 0; m < 4; ++m)
      held[m] += static_cast<double>(
                     *std::max_element(histogram.counts[m].begin(), histogram.counts[m].end())) /
                 400;
  }
  // 50 examples a worker, of one class at most 40; deviation of a mean of 400 is about 0.35.
  EXPECT_LT(
      *std::max_element(held.begin(), held.end()) - *std::min_element(held.begin(), held.end()),
      2.0);
}

TEST(Partition, IsOfTheSeedAlone) {
  const auto targets = targets_of({30, 40, 30});
  for (PartitionSpec spec : {parse_partition("dirichlet:0.5"), parse_partition("shards:3")}) {
    const Partition first = make_partition(targets, 3, 4, spec);
    EXPECT_EQ(make_partition(targets, 3, 4, spec), first);
    spec.seed = 1;
    EXPECT_NE(make_partition(targets, 3, 4, spec), first);
  }
}

// A resumed run, another machine or another version must deal the same parts.
TEST(Partition, StaysWhatItWas) {
  const auto targets = targets_of({4, 4, 4});
  const auto parts = [&](const char* text) {
    return make_partition(targets, 3, 3, parse_partition(text));
  };
  EXPECT_EQ(parts("dirichlet:0.3"), (Partition{{0, 3, 4, 10}, {2, 8, 9, 11}, {1, 5, 6, 7}}));
  EXPECT_EQ(parts("shards:2"), (Partition{{1, 6, 7, 9}, {4, 8, 10, 11}, {0, 2, 3, 5}}));
}

TEST(Partition, WhatCannotBeDealt) {
  const auto targets = targets_of({3, 3, 0, 2});
  const auto message = [&](int64_t classes, int workers, const char* text) {
    return usage_error([&] {
      make_partition(classes == 2 ? targets_of({3, 3}) : targets, classes, workers,
                     parse_partition(text));
    });
  };
  EXPECT_EQ(message(4, 2, "dirichlet:0.3"),
            "partition dirichlet:0.3 needs every class: class 2 has no training sample");
  EXPECT_EQ(message(4, 2, "shards:1"),
            "partition shards:1 needs every class: class 2 has no training sample");
  EXPECT_EQ(message(2, 7, "dirichlet:0.3"), "more workers (7) than training samples (6)");
  EXPECT_EQ(message(2, 0, "dirichlet:0.3"), "workers must be at least 1, got 0");
  EXPECT_EQ(message(2, 2, "shards:4"),
            "partition shards:4 of 2 workers is more shards than the 6 training samples");
  EXPECT_EQ(message(2, 2, "shards:9223372036854775807"),
            "partition shards:9223372036854775807 of 2 workers is more shards than the 6 "
            "training samples");
}

TEST(Histogram, CountsAndTable) {
  const at::Tensor targets = at::tensor({0, 1, 2, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0}, at::kLong);
  const auto histogram =
      class_histogram(targets, 3, {{0, 1, 3, 4, 5, 7, 9, 10, 11, 12}, {2, 6, 8}});
  EXPECT_THAT(histogram.counts, ElementsAre(ElementsAre(8, 2, 0), ElementsAre(0, 1, 2)));
  EXPECT_EQ(histogram_table(histogram),
            "worker  samples  class 0  1  2\n"
            "     0       10        8  2  0\n"
            "     1        3        0  1  2");
}

TEST(Histogram, ManyClassesAreSummedUp) {
  const std::vector<int64_t> sizes(21, 4);
  const at::Tensor targets = targets_of(sizes);
  EXPECT_EQ(histogram_table(class_histogram(targets, 21, {{0, 1, 21, 42, 63}, {2}})),
            "worker  samples  classes  largest\n"
            "     0        5        2   80.0 %\n"
            "     1        1        1  100.0 %");
}

TEST(Partition, OriginsStayTogetherTheLargestFirst) {
  const at::Tensor targets = targets_of({5, 5}),
                   origins = at::tensor({0, 0, 0, 0, 0, 1, 1, 1, 3, 3}, at::kLong);
  const PartitionSpec spec = parse_partition("origin");
  EXPECT_EQ(to_string(spec), "origin");
  const Partition parts = make_partition(targets, 2, 2, spec, origins);
  expect_every_example_once(parts, 10);
  // 5 to one, 3 to the other, 2 to that one again.
  EXPECT_THAT(sizes_of(parts), ElementsAre(5, 5));
  EXPECT_THAT(sizes_of(make_partition(targets, 2, 3, spec, origins)), ElementsAre(5, 3, 2));
  EXPECT_EQ(usage_error([&] { make_partition(targets, 2, 4, spec, origins); }),
            "partition origin of 4 workers: the examples are of 3 origins only");
  EXPECT_EQ(usage_error([&] { make_partition(targets, 2, 2, spec); }),
            "partition origin: these data do not say who their examples are of");
  EXPECT_EQ(usage_error([] { parse_partition("origin:2"); }),
            "partition origin takes no value, got '2'");
}

}  // namespace
}  // namespace valley::partition_test
