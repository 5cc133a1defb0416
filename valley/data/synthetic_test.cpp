#include "valley/data/synthetic.h"

#include <ATen/ops/cdist.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valley::synthetic_test {
namespace {

using testing::ElementsAre;

/// Accuracy on the test set of the class of the nearest of `points`.
double accuracy_of_nearest(const at::Tensor& points, const at::Tensor& classes,
                           const Dataset& test) {
  const at::Tensor nearest = at::cdist(test.inputs.flatten(1), points).argmin(1);
  return classes.index_select(0, nearest).eq(test.targets).to(at::kDouble).mean().item<double>();
}

double accuracy_of_class_means(const DataSplits& data) {
  std::vector<at::Tensor> means;
  std::vector<at::Tensor> classes;
  for (int64_t c = 0; c < data.train->classes; ++c) {
    const at::Tensor rows = data.train->targets.eq(c).nonzero().flatten();
    means.push_back(data.train->inputs.index_select(0, rows).flatten(1).mean(0));
    classes.push_back(data.train->targets[c]);
  }
  return accuracy_of_nearest(at::stack(means), at::stack(classes), *data.test);
}

double accuracy_of_neighbours(const DataSplits& data) {
  return accuracy_of_nearest(data.train->inputs.flatten(1), data.train->targets, *data.test);
}

TEST(Synthetic, SizesClassesAndSeeds) {
  for (const auto& make : {&make_blobs, &make_xor, &make_spirals, &make_prototypes}) {
    const auto [train, test] = make({.train_samples = 60, .test_samples = 20, .seed = 3});
    EXPECT_EQ(train->size(), 60);
    EXPECT_EQ(test->size(), 20);
    for (const auto& data : {train, test}) {
      EXPECT_EQ(data->inputs.scalar_type(), at::kFloat);
      for (int64_t c = 0; c < data->classes; ++c)
        EXPECT_EQ(data->targets.eq(c).sum().item<int64_t>(), data->size() / data->classes);
      EXPECT_EQ(data->mean, std::vector<float>(data->inputs.size(1), 0.0f));
      EXPECT_EQ(data->stddev, std::vector<float>(data->inputs.size(1), 1.0f));
    }
    const auto again = make({.train_samples = 60, .test_samples = 20, .seed = 3});
    const auto longer = make({.train_samples = 90, .test_samples = 20, .seed = 3});
    const auto other = make({.train_samples = 60, .test_samples = 20, .seed = 4});
    EXPECT_TRUE(at::equal(train->inputs, again.train->inputs));
    EXPECT_TRUE(at::equal(train->inputs, longer.train->inputs.narrow(0, 0, 60)));
    EXPECT_FALSE(at::equal(train->inputs, other.train->inputs));
    EXPECT_FALSE(at::equal(train->inputs.narrow(0, 0, 20), test->inputs));
    EXPECT_EQ(make({}).test->size(), 1024);
    EXPECT_EQ(make({.test_samples = 2}).train->size(), make == &make_prototypes ? 4000 : 4096);
  }
}

TEST(Synthetic, BlobsCanBeLearned) {
  const DataSplits data = make_blobs({});
  EXPECT_THAT(data.train->inputs.sizes().vec(), ElementsAre(4096, 1, 28, 28));
  EXPECT_EQ(data.train->classes, 10);
  EXPECT_GT(accuracy_of_class_means(data), 0.98);
  EXPECT_NEAR(data.train->inputs.mean().item<double>(), 0, 0.1);
  EXPECT_NEAR(data.train->inputs.var().item<double>(), 1.25, 0.1);
}

TEST(Synthetic, PrototypesAreTwoAClassAroundAnOffset) {
  const DataSplits data = make_prototypes({.seed = 3});
  const Dataset& train = *data.train;
  EXPECT_THAT(train.inputs.sizes().vec(), ElementsAre(4000, 32, 1, 1));
  EXPECT_EQ(train.classes, 10);
  const at::Tensor x = train.inputs.flatten(1).to(at::kDouble);
  std::vector<at::Tensor> centres;
  for (int64_t c = 0; c < 10; ++c) {
    // Two prototypes are sqrt(2 * 32) = 8 apart; an example is sqrt(32) = 5.7 from its own. So the
    // nearer of two examples of which one is a neighbour of the other tells the prototypes apart.
    const at::Tensor own = x.index_select(0, train.targets.eq(c).nonzero().flatten());
    at::Tensor first = own[0], second = own[at::cdist(own, own.narrow(0, 0, 1)).argmax()];
    for (int round = 0; round < 10; ++round) {  // k-means
      const at::Tensor nearer = at::cdist(own, at::stack({first, second})).argmin(1);
      first = own.index_select(0, nearer.eq(0).nonzero().flatten()).mean(0);
      second = own.index_select(0, nearer.eq(1).nonzero().flatten()).mean(0);
    }
    // Noise of variance 1 about them: 32 values of 400 examples.
    const at::Tensor distance = std::get<0>(at::cdist(own, at::stack({first, second})).min(1));
    EXPECT_NEAR(distance.square().mean().item<double>() / 32, 1, 0.05) << c;
    centres.push_back(first);
    centres.push_back(second);
  }
  const at::Tensor mu = at::stack(centres);  // [20, 32]
  // Variance 1 within a coordinate over the prototypes: 32 * 19 degrees of freedom.
  EXPECT_NEAR(mu.var(0).mean().item<double>(), 1, 5 * std::sqrt(2.0 / (32 * 19)));
  // The offset, seen as the mean of 20: variance 1 + 1/20 over the 32 coordinates.
  EXPECT_NEAR(mu.mean(0).square().mean().item<double>(), 1.05, 5 * 1.05 * std::sqrt(2.0 / 32));
  EXPECT_GT(accuracy_of_neighbours(data), 0.95);
}

TEST(Synthetic, XorNeedsMoreThanALine) {
  const DataSplits data = make_xor({});
  EXPECT_THAT(data.train->inputs.sizes().vec(), ElementsAre(4096, 2, 1, 1));
  EXPECT_LT(accuracy_of_class_means(data), 0.8);
  EXPECT_GT(accuracy_of_neighbours(data), 0.98);
}

TEST(Synthetic, SpiralsNeedMoreThanALine) {
  const DataSplits data = make_spirals({});
  EXPECT_LT(accuracy_of_class_means(data), 0.8);
  EXPECT_GT(accuracy_of_neighbours(data), 0.98);
  EXPECT_LT(data.train->inputs.abs().max().item<double>(), 2.3);
}

}  // namespace
}  // namespace valley::synthetic_test
