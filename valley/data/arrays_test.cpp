#include "valley/data/arrays.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>

#include "valley/data/loader.h"
#include "valley/data/test_npy.h"

namespace valley::arrays_test {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

class Arrays : public testing::Test {
 protected:
  // Two examples to train on, one to test.
  Arrays() {
    save("x_train", npy_bytes<double>("<f8", {2, 2}, {1, 10, 3, 10}));
    save("y_train", npy_bytes<int64_t>("<i8", {2}, {0, 2}));
    save("x_test", npy_bytes<float>("<f4", {1, 2}, {5, 10}));
    save("y_test", npy_bytes<uint8_t>("|u1", {1, 1}, {1}));
  }
  void save(const std::string& name, const Bytes& bytes) {
    write_file(folder_ / (name + ".npy"), bytes);
  }
  DataSplits load(DataOptions options = {}) { return load_arrays(folder_.string(), options); }
  std::string error() {
    std::string text = usage_error([&] { load(); });
    const std::string prefix = folder_.string() + "/";
    for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  DataFolder folder_;
};

TEST_F(Arrays, FeaturesAreNormalisedOneByOne) {
  const auto [train, test] = load();
  EXPECT_THAT(train->inputs.sizes().vec(), ElementsAre(2, 2, 1, 1));
  EXPECT_THAT(train->mean, ElementsAre(2, 10));
  EXPECT_THAT(train->stddev, ElementsAre(1, 1));  // a constant: harmless
  EXPECT_EQ(train->classes, 3);
  EXPECT_EQ(test->mean, train->mean);
  EXPECT_EQ(test->targets[0].item<int64_t>(), 1);
  const Batch batch = Loader(test, *train, {}, 0, 0).range(0, 1);
  EXPECT_EQ(batch.input[0][0][0][0].item<float>(), 3);
  EXPECT_EQ(batch.input[0][1][0][0].item<float>(), 0);
}

TEST_F(Arrays, ShapesBecomeImages) {
  for (const auto& [shape, expected] :
       std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>>{
           {{2}, {2, 1, 1, 1}}, {{2, 3, 4}, {2, 1, 3, 4}}, {{2, 3, 4, 5}, {2, 3, 4, 5}}}) {
    for (const char* split : {"train", "test"}) {
      int64_t n = 1;
      for (const int64_t size : shape) n *= size;
      save(fmt::format("x_{}", split),
           npy_bytes<int16_t>("<i2", shape, std::vector<int16_t>(n, 7)));
      save(fmt::format("y_{}", split), npy_bytes<int64_t>("<i8", {2}, {0, 1}));
    }
    EXPECT_EQ(load().train->inputs.sizes().vec(), expected);
  }
}

TEST_F(Arrays, BytesAreImages) {
  save("x_train", npy_bytes<uint8_t>("|u1", {2, 2}, {0, 255, 255, 255}));
  save("x_test", npy_bytes<uint8_t>("|u1", {1, 2}, {0, 0}));
  const auto [train, test] = load();
  EXPECT_THAT(train->mean, ElementsAre(FloatNear(0.5f, 1e-6f), 1));
}

TEST_F(Arrays, RealTargets) {
  save("y_train", npy_bytes<float>("<f4", {2}, {0.5, 2}));
  save("y_test", npy_bytes<double>("<f8", {1, 1}, {7}));
  EXPECT_EQ(load().train->classes, 1);
  EXPECT_THAT(load().train->targets.sizes().vec(), ElementsAre(2, 1));
  save("y_train", npy_bytes<int32_t>("<i4", {2}, {-5, 2}));
  EXPECT_EQ(load({.real_targets = true}).train->targets[0][0].item<float>(), -5);
}

TEST_F(Arrays, SaysWhatDoesNotFit) {
  save("x_test", npy_bytes<float>("<f4", {1, 3}, {1, 2, 3}));
  EXPECT_EQ(error(), "x_train.npy: examples are [2, 1, 1], those of x_test.npy [3, 1, 1]");
  save("x_test", npy_bytes<uint8_t>("|u1", {1, 2}, {1, 2}));
  EXPECT_EQ(error(),
            "x_train.npy and x_test.npy: one holds bytes (uint8), which are scaled to "
            "[0, 1], the other does not");
  save("x_test", npy_bytes<float>("<f4", {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(error(), "x_test.npy holds 2 examples but y_test.npy 1 targets");
  save("x_test", npy_bytes<float>("<f4", {1, 2}, {1, NAN}));
  EXPECT_EQ(error(), "x_test.npy holds nan at [0, 1]");
  save("x_test", npy_bytes<double>("<f8", {1, 2}, {1e300, 1}));  // training is in float32
  EXPECT_EQ(error(), "x_test.npy holds 1e+300 at [0, 0]");
  save("x_test", npy_bytes<float>("<f4", {1, 1, 1, 1, 2}, {1, 2}));
  EXPECT_EQ(error(),
            "x_test.npy is [1, 1, 1, 1, 2], expected [N], [N, features], [N, steps, "
            "features] or [N, C, H, W]");
  save("x_test", npy_bytes<uint8_t>("|u1", {1, 5, 5, 3}, std::vector<uint8_t>(75)));
  EXPECT_EQ(error(),
            "x_test.npy is [1, 5, 5, 3], with channels last; save x.transpose(0, 3, 1, 2) "
            "in its place (after numpy.ascontiguousarray)");
  std::filesystem::remove(folder_ / "x_test.npy");
  EXPECT_EQ(error(),
            "data file x_test.npy is missing; arrays:PATH takes the folder of x_train.npy, "
            "y_train.npy, x_test.npy and y_test.npy, as numpy.save() writes them");
}

TEST_F(Arrays, SaysWhichTargetIsWrong) {
  save("y_test", npy_bytes<int64_t>("<i8", {1}, {3}));
  EXPECT_EQ(error(),
            "y_test.npy: label 3 at position 0, but the training labels are 0 to 2: y_train.npy");
  save("y_train", npy_bytes<int64_t>("<i8", {2}, {1, -4}));
  EXPECT_EQ(error(), "y_train.npy: label -4 at position 1, expected 0 or more");
  save("y_train", npy_bytes<int64_t>("<i8", {2}, {1, INT64_MAX}));
  EXPECT_EQ(error(),
            "y_train.npy: label 9223372036854775807 at position 1, but there can be 16777216 "
            "classes at most; for numbers: task regression");
  save("y_train", npy_bytes<float>("<f4", {2}, {1, 2}));
  EXPECT_EQ(error(), "y_train.npy holds real numbers but y_test.npy whole");
  save("y_train", npy_bytes<int64_t>("<i8", {2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(error(), "y_train.npy is [2, 2], expected one whole number an example, its class: [N]");
  save("y_train", npy_bytes<float>("<f4", {2, 1}, {1, INFINITY}));
  EXPECT_EQ(error(), "y_train.npy holds inf at [1, 0]");
}

}  // namespace
}  // namespace valley::arrays_test
