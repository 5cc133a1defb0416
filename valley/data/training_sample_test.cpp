#include "valley/data/training_sample.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"
#include "valley/data/subset.h"

namespace valley::training_sample_test {
namespace {

// Forty examples of four classes; input i is i.
std::shared_ptr<const Dataset> numbers() {
  auto data = std::make_shared<Dataset>();
  data->inputs = at::arange(40).to(at::kFloat).view({40, 1, 1, 1});
  data->targets = at::arange(40).remainder(4);
  data->classes = 4;
  return data;
}

TEST(TrainingSample, OfAllIsTheSetItself) {
  const auto train = numbers();
  for (const int64_t count : {0, 40, 41}) {
    const TrainingSample sample = draw_training_sample(train, count, 3, {}, 50, "--samples");
    EXPECT_EQ(sample.data, train);
    EXPECT_TRUE(sample.partition.empty());
  }
}

TEST(TrainingSample, IsTheBalancedDraw) {
  const auto train = numbers();
  const TrainingSample sample = draw_training_sample(train, 12, 3, {}, 2, "--samples");
  EXPECT_TRUE(sample.data->inputs.equal(stratified_subset(*train, 12, 3)->inputs));
  EXPECT_TRUE(sample.partition.empty());
}

// An example of the sample belongs to the worker that trains on it.
TEST(TrainingSample, KeepsThePartition) {
  const auto train = numbers();
  const PartitionSpec spec{.kind = PartitionKind::kShards, .shards = 2, .seed = 5};
  const Partition whole = make_partition(train->targets, train->classes, 3, spec);
  for (const int64_t count : {0, 30}) {
    const TrainingSample sample = draw_training_sample(train, count, 3, spec, 3, "--samples");
    ASSERT_EQ(sample.partition.size(), 3u);
    size_t examples = 0;
    for (size_t m = 0; m < 3; ++m) {
      examples += sample.partition[m].size();
      for (const int64_t i : sample.partition[m]) {
        const auto number = static_cast<int64_t>(sample.data->inputs[i].item<float>());
        EXPECT_TRUE(std::count(whole[m].begin(), whole[m].end(), number)) << number;
      }
    }
    EXPECT_EQ(examples, static_cast<size_t>(sample.data->size()));
  }
}

TEST(TrainingSample, Refuses) {
  const auto error = [](int64_t count, const PartitionSpec& spec, int workers) {
    return error_of<UsageError>(
        [&] { draw_training_sample(numbers(), count, 3, spec, workers, "--probe-samples"); });
  };
  EXPECT_EQ(error(3, {}, 4), "--probe-samples 3 are fewer than the 4 workers");
  // Of one example a class, and every worker with the examples of one class and a half.
  EXPECT_EQ(error(4, {.kind = PartitionKind::kShards, .shards = 4, .seed = 5}, 4),
            "none of the 4 examples is of worker 1; give more --probe-samples");
}

}  // namespace
}  // namespace valley::training_sample_test
