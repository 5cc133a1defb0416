#include "valley/data/arrays.h"

#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "valley/data/loader.h"
#include "valley/data/test_npy.h"
#include "valley/data/zip.h"

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
            "y_train.npy, x_test.npy and y_test.npy, as numpy.save() writes them, or a file.npz or "
            "file.safetensors with arrays of these names");
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

TEST_F(Arrays, LabelsAreZeroOrOne) {
  save("y_train", npy_bytes<uint8_t>("|b1", {2, 3}, {1, 0, 1, 0, 0, 1}));
  save("y_test", npy_bytes<float>("<f4", {1, 3}, {0, 1, 0}));
  const auto [train, test] = load({.many_labels = true});
  EXPECT_EQ(train->classes, 3);
  EXPECT_FALSE(has_classes(train->targets));
  EXPECT_EQ(train->targets[1][2].item<float>(), 1);
  const auto refusal = [&] {
    return usage_error([&] { load({.many_labels = true}); }).substr(folder_.string().size() + 1);
  };
  save("y_test", npy_bytes<float>("<f4", {1, 3}, {0, 1, 2}));
  EXPECT_EQ(refusal(), "y_test.npy holds 2 at [0, 2], expected 0 or 1");
  save("y_test", npy_bytes<int64_t>("<i8", {1}, {0}));
  EXPECT_EQ(refusal(), "y_test.npy is [1], expected [N, labels] of 0 and 1");
}

class OneFile : public testing::Test {
 protected:
  std::string error(const std::string& name) {
    const std::string path = folder_ / name;
    std::string text = usage_error([&] { load_arrays(path, {}); });
    return text.starts_with(path) ? text.substr(path.size()) : text;
  }
  void write_tensors(std::string header, const std::vector<float>& values, int64_t longer = 0) {
    header.resize((header.size() + 7) / 8 * 8, ' ');
    Bytes bytes(8 + header.size() + values.size() * sizeof(float));
    const uint64_t length = header.size() + static_cast<uint64_t>(longer);
    std::memcpy(bytes.data(), &length, 8);
    std::memcpy(&bytes[8], header.data(), header.size());
    std::memcpy(&bytes[8 + header.size()], values.data(), values.size() * sizeof(float));
    write_file(folder_ / "a.safetensors", bytes);
  }

  DataFolder folder_;
};

// Files of Python's own writers are read in tests/e2e/test_own_data.py.
TEST_F(OneFile, TensorsAreViewsOfTheFile) {
  const std::string header = R"({"x_train":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                             R"("y_train":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},)"
                             R"("x_test":{"dtype":"F32","shape":[1,1],"data_offsets":[16,20]},)"
                             R"("y_test":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}})";
  write_tensors(header, {1, 2, 3, 4, 5, 6});
  const DataSplits data = load_arrays(folder_ / "a.safetensors", {});
  EXPECT_EQ(data.train->inputs[1][0][0][0].item<float>(), 2);
  EXPECT_EQ(data.test->targets[0][0].item<float>(), 6);
  write_tensors(header, {1, 2, 3, 4, 5});
  EXPECT_EQ(error("a.safetensors"), " is cut short: 20 of 24 bytes of data");
}

TEST_F(OneFile, DamagedTensors) {
  write_tensors(R"({"x_train":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}})", {1, 2});
  EXPECT_EQ(error("a.safetensors"),
            ": x_train holds values of type C64, expected F16 to F64, I8 to I64, U8 or BOOL");
  write_tensors(R"({"x_train":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", {1, 2});
  EXPECT_EQ(error("a.safetensors"), ": x_train is F32 [3], but its data_offsets are [0, 8]");
  write_tensors(R"({"x_train":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", {});
  EXPECT_EQ(error("a.safetensors"), ": x_train is empty: its shape is [0]");
  write_tensors(R"({"x_train":{"dtype":"F32"}})", {});
  EXPECT_EQ(error("a.safetensors"), ": x_train lacks dtype, shape or data_offsets");
  write_tensors(R"({"other":1})", {});
  EXPECT_THAT(error("a.safetensors"),
              testing::StartsWith(": x_train is missing; arrays:PATH takes"));
  write_tensors(R"({"other":1})", {}, 100);
  EXPECT_EQ(error("a.safetensors"), " is cut short: 16 of 116 bytes of header");
  write_tensors("no JSON", {});
  EXPECT_EQ(error("a.safetensors"), " is no safetensors file: it has no header");
  write_tensors("{no JSON", {});
  EXPECT_EQ(error("a.safetensors"), " is no safetensors file: its header is not JSON");
}

// An entry "a" with these three bytes, stored.
Bytes archive() {
  const auto text = [](const char* bytes, size_t size) { return std::string(bytes, size); };
  const std::string rest = text("\x14\0\0\0\0\0\0\0\0\0", 10) + "\x3d\x3a\x19\x35" +
                           text("\3\0\0\0\3\0\0\0\1\0\0\0", 12);
  const std::string local = "PK\3\4" + rest + "a" + "xyz";
  const std::string entry = "PK\1\2" + text("\x14\0", 2) + rest + std::string(14, '\0') + "a";
  std::string end = "PK\5\6" + text("\0\0\0\0\1\0\1\0", 8);
  for (const size_t number : {entry.size(), local.size()})
    for (int k = 0; k < 4; ++k) end += static_cast<char>(number >> (8 * k));
  const std::string all = local + entry + end + text("\0\0", 2);
  return {all.begin(), all.end()};
}

TEST_F(OneFile, AnArchiveIsReadOrSaidToBeDamaged) {
  const std::string path = folder_ / "a.npz";
  const auto refusal = [&](const Bytes& bytes) {
    write_file(path, bytes);
    return usage_error([&] { ZipFile(path).content("a"); }).substr(path.size());
  };
  Bytes bytes = archive();
  write_file(path, bytes);
  EXPECT_EQ(ZipFile(path).content("a").bytes, "xyz");
  EXPECT_FALSE(ZipFile(path).has("b"));
  EXPECT_EQ(refusal({'n', 'o'}), " is no ZIP archive");
  EXPECT_EQ(refusal(Bytes(bytes.begin(), bytes.end() - 3)),
            " is cut short or damaged: it has no directory at its end");
  bytes[40] = 9;  // in the directory, the method of the entry
  Bytes method = archive(), locked = archive(), lost = archive();
  const size_t entry = 30 + 1 + 3;
  method[entry + 10] = 9;
  EXPECT_EQ(refusal(method),
            ": a is packed by method 9; save it by numpy.savez() or savez_compressed()");
  locked[entry + 8] = 1;
  EXPECT_EQ(refusal(locked), ": a is encrypted");
  lost[entry + 42] = 1;
  EXPECT_EQ(refusal(lost), ": a is damaged: it does not begin where it should");
  method[entry + 10] = 8;
  EXPECT_THAT(refusal(method), testing::StartsWith(": a is damaged: "));
  EXPECT_THAT(error("a.npz"), testing::StartsWith(": x_train is missing; arrays:PATH takes"));
}

}  // namespace
}  // namespace valley::arrays_test
