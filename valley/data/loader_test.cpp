#include "valley/data/loader.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <tuple>

#include "valley/data/test_files.h"

namespace valley::loader_test {
namespace {

using testing::ElementsAre;

/// n images [2, 5, 6] of random values (bytes, or floats of the same numbers), none of them 0.
std::shared_ptr<Dataset> images(int64_t n, at::ScalarType type) {
  auto data = std::make_shared<Dataset>();
  data->inputs = at::empty({n, 2, 5, 6}, at::kByte);
  data->targets = at::empty({n}, at::kLong);
  data->classes = 3;
  data->mean = {0.25f, 0.5f};
  data->stddev = {0.125f, 0.75f};
  Random random(11);
  for (int64_t k = 0; k < data->inputs.numel(); ++k)
    data->inputs.data_ptr<uint8_t>()[k] = static_cast<uint8_t>(1 + random.below(255));
  for (int64_t i = 0; i < n; ++i) data->targets.data_ptr<int64_t>()[i] = i % 3;
  data->inputs = data->inputs.to(type);
  return data;
}

/// Row y, column x of a channel of example i as the formula says, black outside the image.
double reference(const Dataset& data, int64_t i, int64_t c, int64_t y, int64_t x) {
  const bool inside = 0 <= y && y < data.inputs.size(2) && 0 <= x && x < data.inputs.size(3);
  const double unit = data.inputs.scalar_type() == at::kByte ? 255 : 1;
  const double value = inside ? data.inputs[i][c][y][x].item<double>() : 0;
  return (value / unit - data.mean[c]) / data.stddev[c];
}

/// Whether `image` [2, 5, 6] is example i, moved and perhaps mirrored.
bool is_window(const at::Tensor& image, const Dataset& data, int64_t i, int64_t down, int64_t right,
               bool mirror) {
  const auto values = image.accessor<float, 3>();
  for (int64_t c = 0; c < 2; ++c)
    for (int64_t y = 0; y < 5; ++y)
      for (int64_t x = 0; x < 6; ++x) {
        const double expected = reference(data, i, c, y + down, (mirror ? 5 - x : x) + right);
        if (std::abs(values[c][y][x] - expected) > 1e-5 * (1 + std::abs(expected))) return false;
      }
  return true;
}

TEST(Loader, TokensAreWhatTheyWere) {
  for (const auto type : {at::kByte, at::kShort, at::kLong}) {
    auto data = std::make_shared<Dataset>();
    data->inputs = at::arange(24).view({6, 4}).to(type);
    data->targets = data->inputs.add(1);
    data->classes = data->vocabulary = 25;
    Loader loader(data, *data, {}, 0, 0);
    const Batch batch = loader.gather(std::vector<int64_t>{5, 0, 2}, 7);
    const at::Tensor expected = at::tensor({20, 21, 22, 23, 0, 1, 2, 3, 8, 9, 10, 11}, at::kLong);
    EXPECT_TRUE(at::equal(batch.input, expected.view({3, 4})));
    EXPECT_TRUE(at::equal(batch.target.to(at::kLong), batch.input.add(1)));
    EXPECT_EQ(usage_error([&] { Loader(data, *data, {.crop_padding = 1}, 0, 0); }),
              "crop-padding is for pictures, and the data are text");
    EXPECT_EQ(usage_error([&] { Loader(data, *data, {.flip = true}, 0, 0); }),
              "flip is for pictures, and the data are text");
    EXPECT_EQ(usage_error([&] { Loader(data, *data, {.erase = 0.5}, 0, 0); }),
              "erase is for pictures, and the data are text");
    EXPECT_EQ(usage_error([&] { Loader(data, *data, {.mixup = 1}, 0, 0); }),
              "mixup is for pictures, and the data are text");
  }
}

class LoaderOf : public testing::TestWithParam<at::ScalarType> {};
INSTANTIATE_TEST_SUITE_P(Types, LoaderOf, testing::Values(at::kByte, at::kFloat));

TEST_P(LoaderOf, GathersAndNormalises) {
  const auto data = images(7, GetParam());
  Loader loader(data, *data, {}, 0, 0);
  const std::vector<int64_t> indices = {6, 0, 3, 3};
  const Batch batch = loader.gather(indices, 0);
  const at::Tensor &input = batch.input, &target = batch.target, &here = batch.target_here;
  EXPECT_FALSE(here.defined());  // target is here
  EXPECT_THAT(input.sizes().vec(), ElementsAre(4, 2, 5, 6));
  EXPECT_EQ(input.scalar_type(), at::kFloat);
  EXPECT_TRUE(input.is_contiguous());
  for (int64_t b = 0; b < 4; ++b) {
    EXPECT_TRUE(is_window(input[b], *data, indices[b], 0, 0, false));
    EXPECT_EQ(target[b].item<int64_t>(), indices[b] % 3);
  }
}

TEST_P(LoaderOf, EveryOffsetAndMirrorOccursEquallyOften) {
  const auto data = images(2, GetParam());
  const Augmentation augmentation{.crop_padding = 1, .flip = true};
  Loader loader(data, *data, augmentation, 0, 0);
  const std::vector<int64_t> indices = {0, 1, 0, 1, 0, 1};
  std::map<std::tuple<int64_t, int64_t, bool>, int> counts;
  for (int64_t step = 0; step < 300; ++step) {
    const at::Tensor input = loader.gather(indices, step).input;
    for (int64_t b = 0; b < 6; ++b) {
      int matches = 0;
      for (const int64_t down : {-1, 0, 1})
        for (const int64_t right : {-1, 0, 1})
          for (const bool mirror : {false, true})
            if (is_window(input[b], *data, indices[b], down, right, mirror)) {
              ++counts[{down, right, mirror}];
              ++matches;
            }
      ASSERT_EQ(matches, 1);
    }
  }
  EXPECT_EQ(counts.size(), 18u);
  for (const auto& [window, count] : counts) EXPECT_NEAR(count, 100, 5 * std::sqrt(100.0));
}

TEST_P(LoaderOf, TheWidestCropIsStillRight) {
  const auto data = images(1, GetParam());
  Loader loader(data, *data, {.crop_padding = 4}, 3, 0);
  std::map<std::pair<int64_t, int64_t>, int> counts;
  for (int64_t step = 0; step < 600; ++step) {
    const at::Tensor input = loader.gather(std::vector<int64_t>{0}, step).input;
    for (int64_t down = -4; down <= 4; ++down)
      for (int64_t right = -4; right <= 4; ++right)
        if (is_window(input[0], *data, 0, down, right, false)) ++counts[{down, right}];
  }
  int total = 0;
  for (const auto& [window, count] : counts) total += count;
  EXPECT_EQ(total, 600);
  // 81 places, each missed with probability (80/81)^600 = 0.0006.
  EXPECT_GE(counts.size(), 79u);
}

TEST(Loader, FlipAloneMovesNothing) {
  const auto data = images(1, at::kByte);
  Loader loader(data, *data, {.flip = true}, 0, 0);
  int mirrored = 0;
  for (int64_t step = 0; step < 400; ++step) {
    const at::Tensor image = loader.gather(std::vector<int64_t>{0}, step).input[0];
    const bool mirror = is_window(image, *data, 0, 0, 0, true);
    EXPECT_NE(mirror, is_window(image, *data, 0, 0, 0, false));
    mirrored += mirror;
  }
  EXPECT_NEAR(mirrored, 200, 5 * 10);
}

TEST(Loader, AugmentationIsOfSeedWorkerAndStep) {
  const auto data = images(20, at::kByte);
  std::vector<int64_t> indices(20);
  std::iota(indices.begin(), indices.end(), 0);
  const auto at_step = [&](uint64_t seed, int worker, int64_t step, bool warm) {
    Loader loader(data, *data, {.crop_padding = 2, .flip = true}, seed, worker);
    if (warm)
      for (int64_t k = 0; k < 5; ++k) loader.gather(indices, k);
    return loader.gather(indices, step).input.clone();
  };
  const at::Tensor input = at_step(1, 2, 3, false);
  EXPECT_TRUE(at::equal(input, at_step(1, 2, 3, true)));
  EXPECT_FALSE(at::equal(input, at_step(0, 2, 3, false)));
  EXPECT_FALSE(at::equal(input, at_step(1, 1, 3, false)));
  EXPECT_FALSE(at::equal(input, at_step(1, 2, 4, false)));
}

// Each kind has draws of its own: with erasing and blending the crops are those of before.
TEST(Loader, ErasingAndBlendingShiftNoOtherDraw) {
  const auto data = images(8, at::kByte);
  const std::vector<int64_t> indices = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto gathered = [&](const Augmentation& augmentation) {
    Loader loader(data, *data, augmentation, 7, 1);
    Batch batch = loader.gather(indices, 4);
    batch.input = batch.input.clone();
    return batch;
  };
  const Batch plain = gathered({.crop_padding = 2, .flip = true}),
              erased = gathered({.crop_padding = 2, .flip = true, .erase = 0.7}),
              mixed = gathered({.crop_padding = 2, .flip = true, .mixup = 1}),
              both = gathered({.crop_padding = 2, .flip = true, .erase = 0.7, .mixup = 1});
  int changed = 0;
  for (int64_t i = 0; i < 8; ++i) {
    const at::Tensor same = erased.input[i].eq(plain.input[i]);
    EXPECT_TRUE(same.logical_or(erased.input[i].eq(0)).all().item<bool>());
    changed += !same.all().item<bool>();
  }
  EXPECT_GE(changed, 2);
  EXPECT_LE(changed, 7);
  EXPECT_FALSE(plain.other_target.defined());
  EXPECT_EQ(plain.share, 1);
  EXPECT_EQ(mixed.share, both.share);
  EXPECT_TRUE(at::equal(mixed.other_target, both.other_target));
  // Whose partner an example is, the targets do not say; but some blend of two it is.
  for (const auto& [of, from] : {std::pair{&mixed, &plain}, std::pair{&both, &erased}}) {
    for (int64_t i = 0; i < 8; ++i) {
      double nearest = 1;
      for (int64_t j = 0; j < 8; ++j) {
        const at::Tensor blend = of->share * from->input[i] + (1 - of->share) * from->input[j];
        if (of->other_target[i].item<int64_t>() == from->target[j].item<int64_t>())
          nearest = std::min(nearest, (of->input[i] - blend).abs().max().item<double>());
      }
      EXPECT_LT(nearest, 1e-5);
    }
  }
}

TEST(Loader, APartOfABlendedBatchIsBlended) {
  const auto data = images(6, at::kByte);
  Loader loader(data, *data, {.cutmix = 1}, 0, 0);
  const Batch batch = loader.gather(std::vector<int64_t>{0, 1, 2, 3, 4, 5}, 0);
  const Batch part = batch.part(2, 5);
  EXPECT_TRUE(at::equal(part.input, batch.input.narrow(0, 2, 3)));
  EXPECT_TRUE(at::equal(part.target, batch.target.narrow(0, 2, 3)));
  EXPECT_TRUE(at::equal(part.other_target, batch.other_target.narrow(0, 2, 3)));
  EXPECT_EQ(part.share, batch.share);
}

TEST(Loader, WhatIsNoPictureIsNotCut) {
  auto data = std::make_shared<Dataset>(*images(4, at::kByte));
  data->inputs = data->inputs.reshape({4, 2, 1, 30});
  EXPECT_EQ(usage_error([&] { Loader(data, *data, {.erase = 0.5}, 0, 0); }),
            "erase cuts rectangles, and the inputs are 1 x 30");
  EXPECT_EQ(usage_error([&] { Loader(data, *data, {.cutmix = 1}, 0, 0); }),
            "cutmix cuts rectangles, and the inputs are 1 x 30");
  Loader(data, *data, {.mixup = 1}, 0, 0);
}

TEST(Loader, RangeIsInStoredOrderAndPlain) {
  const auto data = images(9, at::kByte);
  Loader augmented(data, *data, {.crop_padding = 2, .flip = true}, 0, 0);
  Loader plain(data, *data, {}, 0, 0);
  for (const auto& [begin, end] : {std::pair{0, 4}, {4, 8}, {8, 9}, {0, 9}, {3, 3}}) {
    std::vector<int64_t> indices(end - begin);
    std::iota(indices.begin(), indices.end(), begin);
    const Batch range = augmented.range(begin, end);
    const Batch expected = plain.gather(indices, 0);
    EXPECT_THAT(range.input.sizes().vec(), ElementsAre(end - begin, 2, 5, 6));
    EXPECT_TRUE(at::equal(range.input, expected.input));
    EXPECT_TRUE(at::equal(range.target, expected.target));
  }
}

TEST(Loader, MemoryIsTakenOnce) {
  const auto data = images(9, at::kByte);
  Loader loader(data, *data, {}, 0, 0);
  const void* memory = loader.range(0, 4).input.data_ptr();
  EXPECT_EQ(loader.range(4, 8).input.data_ptr(), memory);
  EXPECT_EQ(loader.range(8, 9).input.data_ptr(), memory);
  EXPECT_EQ(loader.gather(std::vector<int64_t>{1, 2}, 0).input.data_ptr(), memory);
  EXPECT_EQ(loader.range(4, 8).input.data_ptr(), memory);
}

TEST(Loader, TargetsMayBeNumbers) {
  auto data = images(5, at::kByte);
  data->targets = at::arange(10, at::kFloat).view({5, 2});
  Loader loader(data, *data, {}, 0, 0);
  const at::Tensor target = loader.gather(std::vector<int64_t>{4, 1}, 0).target;
  EXPECT_TRUE(at::equal(target, at::tensor({8.f, 9.f, 2.f, 3.f}).view({2, 2})));
}

TEST(Loader, StatisticsComeFromTheSetNamed) {
  const auto train = images(3, at::kByte);
  auto test = images(3, at::kByte);
  test->mean = {7, 7};
  test->stddev = {9, 9};
  Loader loader(test, *train, {}, 0, 0);
  EXPECT_TRUE(is_window(loader.range(1, 2).input[0], *train, 1, 0, 0, false));
}

TEST(Loader, Errors) {
  const auto data = images(3, at::kByte);
  EXPECT_EQ(usage_error([&] { Loader(data, *data, {.crop_padding = 5}, 0, 0); }),
            "crop-padding must be in [0, 5) for images of 5 x 6, got 5");
  EXPECT_EQ(usage_error([&] { Loader(data, *data, {.crop_padding = -1}, 0, 0); }),
            "crop-padding must be in [0, 5) for images of 5 x 6, got -1");
  Loader loader(data, *data, {}, 0, 0);
  EXPECT_THROW(loader.gather(std::vector<int64_t>{0, 3}, 0), std::out_of_range);
  EXPECT_THROW(loader.gather(std::vector<int64_t>{-1}, 0), std::out_of_range);
  EXPECT_THROW(loader.range(2, 4), std::out_of_range);
  EXPECT_THROW(loader.range(2, 1), std::out_of_range);
  Dataset other = *data;
  other.mean.pop_back();
  EXPECT_THROW(Loader(data, other, {}, 0, 0), std::invalid_argument);
}

// What a device gets: tensors of its own for every batch, and the targets here.
TEST(Loader, BatchesOfADeviceAreNotReused) {
  const auto data = images(20, at::kByte);
  Loader here(data, *data, {}, 0, 0), there(data, *data, {}, 0, 0, at::kMeta);
  const Batch first = there.range(0, 4), second = there.range(4, 8), expected = here.range(0, 4);
  EXPECT_TRUE(first.input.is_meta());
  EXPECT_TRUE(first.target.is_meta());
  EXPECT_EQ(first.input.sizes(), expected.input.sizes());
  EXPECT_TRUE(first.known_target().equal(expected.target));
  EXPECT_FALSE(first.known_target().is_alias_of(second.known_target()));
  EXPECT_TRUE(expected.known_target().is_same(expected.target));
}

}  // namespace
}  // namespace valley::loader_test
