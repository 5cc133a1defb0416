#include "valley/data/npy.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>

#include "valley/data/test_npy.h"

namespace valley::npy_test {
namespace {

class Npy : public testing::Test {
 protected:
  template <typename T>
  at::Tensor read(const std::string& type, const std::vector<int64_t>& shape,
                  const std::vector<T>& values) {
    return read(npy_bytes(type, shape, values));
  }
  at::Tensor read(const Bytes& bytes) {
    write_file(path_, bytes);
    return map_npy(path_);
  }
  // Without the path that it begins with.
  std::string error(const Bytes& bytes) {
    const std::string text = usage_error([&] { read(bytes); });
    EXPECT_TRUE(text.starts_with(path_)) << text;
    return text.substr(std::min(path_.size(), text.size()));
  }

  DataFolder folder_;
  std::string path_ = folder_ / "x.npy";
};

TEST_F(Npy, EveryTypeOfRealNumbers) {
  const auto check = [&]<typename T>(const char* type, at::ScalarType expected, T least) {
    const at::Tensor found = read<T>(type, {2, 1}, {least, T(3)});
    EXPECT_EQ(found.scalar_type(), expected) << type;
    EXPECT_THAT(found.sizes().vec(), testing::ElementsAre(2, 1));
    EXPECT_EQ(found[0][0].item<double>(), static_cast<double>(least)) << type;
    EXPECT_EQ(found[1][0].item<double>(), 3) << type;
  };
  check("<f4", at::kFloat, -1.5f);
  check("<f8", at::kDouble, -1e300);
  check("|u1", at::kByte, uint8_t{255});
  check("|i1", at::kChar, int8_t{-128});
  check("<i2", at::kShort, int16_t{-32768});
  check("<i4", at::kInt, int32_t{-7});
  check("<i8", at::kLong, int64_t{-7});
  check("<u2", at::kInt, uint16_t{65535});
  check("<u4", at::kLong, uint32_t{4294967295});
  EXPECT_EQ(read<uint8_t>("|b1", {2}, {0, 1}).scalar_type(), at::kChar);
  EXPECT_EQ((read<uint16_t>("<f2", {1}, {0x3e00})[0].item<double>()), 1.5);
}

TEST_F(Npy, IsAViewOfTheFile) {
  const at::Tensor values = read<float>("<f4", {3}, {1, 2, 3});
  std::filesystem::remove(path_);  // the system keeps it as long as somebody looks at it
  EXPECT_TRUE(at::equal(values, at::tensor({1.0f, 2.0f, 3.0f})));
}

TEST_F(Npy, ValuesThatAreNotAligned) {
  Bytes bytes = npy_bytes<double>("<f8", {1}, {2.5});
  bytes.insert(bytes.begin() + 10, ' ');
  ++bytes[8];
  EXPECT_EQ(read(bytes)[0].item<double>(), 2.5);
}

TEST_F(Npy, ASingleNumberHasNoDimension) {
  Bytes bytes = npy_bytes<float>("<f4", {}, {4});
  std::string header(bytes.begin(), bytes.end());
  header.replace(header.find("(,)"), 3, "() ");
  EXPECT_EQ(read(Bytes(header.begin(), header.end())).dim(), 0);
}

TEST_F(Npy, SaysWhatItCannotRead) {
  const std::vector<float> two = {1, 2};
  EXPECT_EQ(error(npy_bytes(">f4", {2}, two)),
            " holds numbers in big-endian order (>f4); save x.astype(x.dtype.newbyteorder('=')) in "
            "its place");
  EXPECT_EQ(error(npy_bytes("<f4", {2, 1}, two, /*fortran=*/true)),
            " is in Fortran order; save numpy.ascontiguousarray(x) in its place");
  EXPECT_EQ(error(npy_bytes("|O", {2}, two)),
            " holds values of type |O, expected float16, float32, float64, int8 to int64, uint8 to "
            "uint32 or bool");
  EXPECT_EQ(
      error(npy_bytes("<c8", {2}, two)),
      " holds values of type <c8, expected float16, float32, float64, int8 to int64, uint8 to "
      "uint32 or bool");
  EXPECT_EQ(error(npy_bytes("<f4", {0, 3}, std::vector<float>{})),
            " is empty: its shape is [0, 3]");
  EXPECT_EQ(error({'P', 'K', 3, 4}), " is no .npy file of numpy");
}

TEST_F(Npy, AFileThatIsCutOrTooLong) {
  Bytes bytes = npy_bytes<float>("<f4", {2}, {1, 2});
  const size_t header = bytes.size() - 8;
  bytes.push_back(0);
  EXPECT_EQ(error(bytes), " is too long: 8 bytes expected after the header, 9 found");
  bytes.resize(header + 7);
  EXPECT_EQ(error(bytes), " is cut short: 8 bytes expected after the header, 7 found");
  bytes.resize(50);
  EXPECT_EQ(error(bytes),
            fmt::format(" is cut short: 50 bytes, but the header alone has {}", header));
  bytes.resize(7);
  EXPECT_EQ(error(bytes), " is cut short: 7 bytes");
}

TEST_F(Npy, AHeaderThatLies) {
  EXPECT_EQ(error(npy_bytes<float>("<f4", {int64_t{1} << 40, int64_t{1} << 40}, {1})),
            ": its header claims more values than any file can hold");
  Bytes bytes = npy_bytes<float>("<f4", {1}, {1});
  std::string text(bytes.begin(), bytes.end());
  text.replace(text.find("shape"), 5, "shopp");
  EXPECT_THAT(error(Bytes(text.begin(), text.end())),
              testing::StartsWith(": its header cannot be read: {'descr': '<f4'"));
  EXPECT_THAT(error(npy_bytes<float>("", {1}, {1})),
              testing::StartsWith(": its header cannot be read: {'descr': ''"));
}

}  // namespace
}  // namespace valley::npy_test
