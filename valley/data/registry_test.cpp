#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "valley/data/dataset.h"
#include "valley/data/subset.h"
#include "valley/data/test_files.h"

namespace valley::registry_test {
namespace {

using testing::ElementsAre;

std::vector<int64_t> values(const at::Tensor& tensor) {
  const int64_t* data = tensor.data_ptr<int64_t>();
  return {data, data + tensor.numel()};
}

std::vector<int64_t> class_counts(const Dataset& data) {
  std::vector<int64_t> counts(data.classes);
  for (const int64_t target : values(data.targets)) ++counts.at(target);
  return counts;
}

/// Example i holds the byte i.
Dataset numbered(const std::vector<int64_t>& targets, int64_t classes) {
  Dataset data;
  data.inputs = at::arange(int64_t(targets.size()), at::kByte).view({-1, 1, 1, 1});
  data.targets = at::tensor(targets, at::kLong);
  data.classes = classes;
  data.mean = {0.25f};
  data.stddev = {0.5f};
  return data;
}

const DataSplits& fashion_mnist() {
  static const DataSplits data = load_data("fashion-mnist", {});
  return data;
}

TEST(Datasets, NamesAreUniqueAndDescribed) {
  std::vector<std::string> names;
  for (const auto& entry : datasets()) {
    names.push_back(entry.name);
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
    EXPECT_FALSE(entry.needs_path && !entry.default_path.empty()) << entry.name;
  }
  EXPECT_THAT(names, ElementsAre("fashion-mnist", "mnist", "cifar10", "cifar100", "fsdd", "speech",
                                 "debian-section", "images", "table", "arrays", "text", "blobs",
                                 "xor", "spirals", "prototypes"));
}

TEST(LoadData, FashionMnistIsWhatItsAuthorsPublished) {
  const auto& [train, test] = fashion_mnist();
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(60000, 1, 28, 28));
  EXPECT_THAT(test->inputs.sizes().vec(), ElementsAre(10000, 1, 28, 28));
  EXPECT_EQ(train->inputs.scalar_type(), at::kByte);
  EXPECT_THAT(values(train->targets.narrow(0, 0, 5)), ElementsAre(9, 0, 0, 3, 0));
  EXPECT_THAT(values(test->targets.narrow(0, 0, 5)), ElementsAre(9, 2, 1, 1, 6));
  EXPECT_EQ(class_counts(*train), std::vector<int64_t>(10, 6000));
  EXPECT_EQ(class_counts(*test), std::vector<int64_t>(10, 1000));
  EXPECT_NEAR(train->mean.at(0), 0.2860406, 1e-6);
  EXPECT_NEAR(train->stddev.at(0), 0.3530242, 1e-6);
  EXPECT_EQ(test->mean, train->mean);
  EXPECT_EQ(test->stddev, train->stddev);
}

TEST(LoadData, ABalancedDrawOfFashionMnist) {
  const DataSplits data =
      load_data("fashion-mnist", {.train_samples = 1003, .test_samples = 10, .seed = 1});
  EXPECT_EQ(data.train->size(), 1003);
  const auto counts = class_counts(*data.train);
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 100), 7);
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 101), 3);
  EXPECT_EQ(class_counts(*data.test), std::vector<int64_t>(10, 1));
  // Statistics stay those of the whole training set.
  EXPECT_EQ(data.train->mean, fashion_mnist().train->mean);
  EXPECT_EQ(data.test->stddev, fashion_mnist().train->stddev);
}

TEST(LoadData, MoreSamplesThanThereAre) {
  EXPECT_EQ(usage_error([] { load_data("fashion-mnist", {.train_samples = 70000}); }),
            "train-samples 70000 is more than the 60000 training samples of fashion-mnist");
  EXPECT_EQ(usage_error([] { load_data("fashion-mnist", {.test_samples = 10001}); }),
            "test-samples 10001 is more than the 10000 test samples of fashion-mnist");
  EXPECT_EQ(usage_error([] { load_data("xor", {.train_samples = -1}); }),
            "train-samples must be at least 0, got -1");
  EXPECT_EQ(usage_error([] { load_data("xor", {.test_samples = -2}); }),
            "test-samples must be at least 0, got -2");
}

TEST(LoadData, SyntheticSizesAreTheSamplesAskedFor) {
  for (const std::string name : {"blobs", "xor", "spirals", "prototypes"}) {
    const auto [train, test] = load_data(name, {.train_samples = 7, .test_samples = 5});
    EXPECT_EQ(train->size(), 7);
    EXPECT_EQ(test->size(), 5);
  }
}

TEST(LoadData, NamesAndPaths) {
  EXPECT_EQ(usage_error([] { load_data("fashion-mnits", {}); }),
            "unknown data set 'fashion-mnits'; did you mean 'fashion-mnist'? known: fashion-mnist, "
            "mnist, cifar10, cifar100, fsdd, speech, debian-section, images, table, arrays, text, "
            "blobs, xor, spirals, "
            "prototypes");
  EXPECT_EQ(usage_error([] { load_data("fsdd", {}); }),
            "data fsdd needs the folder of its files: fsdd:PATH");
  EXPECT_EQ(usage_error([] { load_data("mnist", {}); }),
            "data mnist needs the folder of its files: mnist:PATH");
  EXPECT_EQ(usage_error([] { load_data("cifar100", {}); }),
            "data cifar100 needs the folder of its files: cifar100:PATH");
  EXPECT_EQ(usage_error([] { load_data("cifar10:", {}); }),
            "data cifar10: has no path after the colon");
  EXPECT_EQ(usage_error([] { load_data("blobs:/tmp", {}); }),
            "data blobs takes no path, got '/tmp'");
  EXPECT_EQ(usage_error([] { load_data("fashion-mnist:/no/such", {}); }),
            "data file /no/such/train-images-idx3-ubyte(.gz) is missing; install the package "
            "dataset-fashion-mnist or give its folder as fashion-mnist:PATH");
  EXPECT_EQ(
      usage_error([] { load_data("mnist:/no/such", {}); }),
      "data file /no/such/train-images-idx3-ubyte(.gz) is missing; give the folder that holds "
      "it as mnist:PATH");
  EXPECT_EQ(usage_error([] { load_data("cifar100:/no/such", {}); }),
            "data file /no/such/train.bin is missing; unpack cifar-100-binary.tar.gz "
            "(https://www.cs.toronto.edu/~kriz/cifar.html) and give its folder as cifar100:PATH");
}

TEST(LoadData, APathMayHoldColons) {
  const DataFolder folder;
  const std::string inner = folder / "a:b";
  std::filesystem::create_directory(inner);
  for (const std::string split : {"train", "t10k"}) {
    write_file(inner + "/" + split + "-images-idx3-ubyte", idx_bytes({1, 1, 2}, {0, 255}));
    write_file(inner + "/" + split + "-labels-idx1-ubyte", idx_bytes({1}, {7}));
  }
  const DataSplits data = load_data("mnist:" + inner, {});
  EXPECT_EQ(data.train->targets[0].item<int64_t>(), 7);
  EXPECT_FLOAT_EQ(data.train->mean[0], 0.5f);
  EXPECT_FLOAT_EQ(data.train->stddev[0], 0.5f);
}

TEST(Subset, KeepsInputsWithTheirTargets) {
  const std::vector<int64_t> targets = {2, 0, 1, 0, 2, 1, 1, 0, 2, 0, 1, 2};
  const Dataset data = numbered(targets, 3);
  for (int64_t count = 1; count <= 12; ++count) {
    const auto subset = stratified_subset(data, count, 5);
    ASSERT_EQ(subset->size(), count);
    EXPECT_TRUE(
        at::equal(stratified_indices(data, count, 5), subset->inputs.flatten().to(at::kLong)));
    int64_t previous = -1;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t index = subset->inputs.data_ptr<uint8_t>()[i];
      EXPECT_GT(index, previous);
      EXPECT_EQ(subset->targets[i].item<int64_t>(), targets[index]);
      previous = index;
    }
    const auto counts = class_counts(*subset);
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()) -
                  *std::min_element(counts.begin(), counts.end()),
              1);
    EXPECT_EQ(subset->mean, data.mean);
    EXPECT_EQ(subset->classes, 3);
  }
}

TEST(Subset, EveryClassComesByItsShare) {
  std::vector<int64_t> targets(100, 0);
  std::fill(targets.begin() + 70, targets.begin() + 90, 1);
  std::fill(targets.begin() + 90, targets.end(), 2);
  const Dataset data = numbered(targets, 3);
  EXPECT_THAT(class_counts(*stratified_subset(data, 10, 0)), ElementsAre(7, 2, 1));
  EXPECT_THAT(class_counts(*stratified_subset(data, 50, 0)), ElementsAre(35, 10, 5));
  EXPECT_THAT(class_counts(*stratified_subset(data, 100, 0)), ElementsAre(70, 20, 10));
  // Too few to have one of the rarest: 70, 20 and 10 hundredths of two.
  EXPECT_THAT(class_counts(*stratified_subset(data, 2, 0)), ElementsAre(2, 0, 0));
}

// What is set aside looks like the test set, not like a set of as many of every class; and a rare
// class is not set aside as a whole.
TEST(Subset, AValidationSetIsLikeTheRest) {
  std::vector<int64_t> targets(100, 0);
  std::fill(targets.begin() + 90, targets.end(), 1);
  const auto left = with_validation(numbered(targets, 2), 20, 3);
  EXPECT_THAT(class_counts(*left), ElementsAre(72, 8));
  EXPECT_THAT(class_counts(*left->validation), ElementsAre(18, 2));
}

TEST(Subset, EveryExampleAndEveryClassHasItsChance) {
  const Dataset data = numbered({0, 0, 0, 1, 1, 1}, 2);
  std::vector<int> drawn(6);
  for (uint64_t seed = 0; seed < 600; ++seed)
    ++drawn[stratified_subset(data, 1, seed)->inputs.data_ptr<uint8_t>()[0]];
  for (const int count : drawn) EXPECT_NEAR(count, 100, 5 * std::sqrt(100.0 * 5 / 6));
  EXPECT_TRUE(
      at::equal(stratified_subset(data, 3, 9)->inputs, stratified_subset(data, 3, 9)->inputs));
}

TEST(Data, ExamplesAreSetAside) {
  const DataOptions plain = {.train_samples = 60, .test_samples = 10, .seed = 3};
  DataOptions options = plain;
  options.validation_samples = 20;
  const DataSplits whole = load_data("blobs", plain), data = load_data("blobs", options);
  EXPECT_EQ(whole.train->validation, nullptr);
  ASSERT_NE(data.train->validation, nullptr);
  EXPECT_EQ(data.train->size(), 40);
  EXPECT_EQ(data.train->validation->size(), 20);
  EXPECT_EQ(data.test->size(), 10);
  // Every class as often, and together they are the whole.
  EXPECT_EQ(at::bincount(data.train->validation->targets).min().item<int64_t>(), 2);
  const auto sum = [](const Dataset& part) {
    return part.inputs.to(at::kDouble).sum().item<double>();
  };
  EXPECT_NEAR(sum(*data.train) + sum(*data.train->validation), sum(*whole.train), 1e-9);
  options.validation_samples = 60;
  EXPECT_EQ(usage_error([&] { load_data("blobs", options); }),
            "validation-samples 60 leaves nothing to train on: there are 60 training samples");
}

}  // namespace
}  // namespace valley::registry_test
