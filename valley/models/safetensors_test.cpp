#include "valley/models/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "valley/core/crc32c.h"
#include "valley/core/error.h"

namespace valley::safetensors_test {
namespace {

class Safetensors : public testing::Test {
 protected:
  Safetensors() {
    folder_ = std::filesystem::temp_directory_path() / ("valley_st_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    path_ = folder_ / "m.safetensors";
  }
  ~Safetensors() override { std::filesystem::remove_all(folder_); }

  // A file with this header (and its length before it), then `data` zero bytes.
  void write_raw(const std::string& header, size_t data) {
    const uint64_t length = header.size();
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    std::ofstream(path_, std::ios::binary) << bytes << header << std::string(data, '\0');
  }

  std::string contents() const {
    std::stringstream text;
    text << std::ifstream(path_, std::ios::binary).rdbuf();
    return text.str();
  }

  std::string load_error() const {
    try {
      load_safetensors(path_);
    } catch (const UsageError& error) {
      std::string text = error.what();
      const size_t at = text.find(path_);
      return at == std::string::npos ? text : text.replace(at, path_.size(), "PATH");
    }
    return "no error";
  }

  std::filesystem::path folder_;
  std::string path_;
};

TEST_F(Safetensors, EveryTypeReturnsBitForBit) {
  std::vector<NamedTensor> tensors;
  for (at::ScalarType type : {at::kBool, at::kByte, at::kChar, at::kShort, at::kHalf, at::kBFloat16,
                              at::kInt, at::kFloat, at::kLong, at::kDouble}) {
    tensors.push_back({c10::toString(type), at::arange(6, at::kInt).to(type).view({2, 1, 3})});
  }
  tensors.push_back({"scalar", at::arange(1, at::kLong).add(7).squeeze()});
  tensors.push_back({"empty", at::empty({0, 4})});
  tensors.push_back({"strided", at::arange(6, at::kFloat).view({2, 3}).t()});
  const std::map<std::string, std::string> metadata = {{"format", "pt"}, {"note", "\"w\" = 2\n"}};
  save_safetensors(path_, tensors, metadata);

  const TensorFile file = load_safetensors(path_);
  EXPECT_EQ(file.metadata, metadata);
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(file.tensors[i].name, tensors[i].name);
    EXPECT_EQ(file.tensors[i].tensor.scalar_type(), tensors[i].tensor.scalar_type());
    EXPECT_TRUE(at::equal(file.tensors[i].tensor, tensors[i].tensor)) << tensors[i].name;
  }
}

TEST_F(Safetensors, LayoutIsTheFormats) {
  save_safetensors(path_, {{"a", at::arange(2, at::kByte)}, {"b", at::arange(1, 2, at::kInt)}});
  const std::string begin = R"({"__metadata__":{"crc32c":")";
  std::string bytes = contents();
  // The checksum is that of the whole file with zeros in its own place.
  const std::string digits = bytes.substr(8 + begin.size(), 8);
  bytes.replace(8 + begin.size(), 8, "00000000");
  EXPECT_EQ(digits, fmt::format("{:08x}", crc32c(bytes)));
  const std::string header = begin + R"(00000000"},)" +
                             R"("a":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},)"
                             R"("b":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})";
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ(length % 8, 0u);
  EXPECT_LT(length - header.size(), 8u);
  EXPECT_EQ(bytes.substr(8, length), header + std::string(length - header.size(), ' '));
  EXPECT_EQ(bytes.substr(8 + length), std::string("\1\0\0\0\0\1", 6));
}

TEST_F(Safetensors, EveryFlippedBitIsFound) {
  const FileSum sum = save_safetensors(
      path_, {{"a", at::arange(3, at::kFloat)}, {"b", at::arange(2, at::kLong)}}, {{"note", "x"}});
  const std::string whole = contents();
  EXPECT_EQ(sum.bytes, whole.size());
  EXPECT_EQ(load_safetensors(path_).crc32c, sum.crc32c);
  const auto load = [&](const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    return load_error();
  };
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_TRUE(load(bytes).starts_with("PATH is ")) << bit << " " << load(bytes);
  }
  std::string last = whole;
  last.back() = 1;
  EXPECT_TRUE(load(last).starts_with("PATH is damaged: its checksum is ")) << load(last);
  EXPECT_EQ(load(whole), "no error");
}

// Other people's files have no checksum, or something else under its name.
TEST_F(Safetensors, WithoutAChecksumNothingIsClaimed) {
  for (const std::string metadata : {"", R"("__metadata__":{"format":"pt"},)",
                                     R"("__metadata__":{"format":"pt","crc32c":"12"},)"}) {
    write_raw("{" + metadata + R"("a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})", 8);
    const TensorFile file = load_safetensors(path_);
    EXPECT_FALSE(file.crc32c);
    EXPECT_EQ(file.tensors.size(), 1u);
    EXPECT_EQ(file.metadata.count("crc32c"), metadata.find("crc32c") == metadata.npos ? 0u : 1u);
  }
}

TEST_F(Safetensors, NoTensorsIsAFileToo) {
  save_safetensors(path_, {});
  EXPECT_TRUE(load_safetensors(path_).tensors.empty());
}

TEST_F(Safetensors, ContiguousDataIsNotCopied) {
  const at::Tensor tensor = at::arange(5, at::kFloat);
  std::vector<const void*> pieces;
  write_safetensors([&](const void* data, size_t) { pieces.push_back(data); }, {{"t", tensor}});
  EXPECT_EQ(pieces.back(), tensor.data_ptr());
}

TEST_F(Safetensors, EveryPrefixIsRefused) {
  save_safetensors(path_, {{"a", at::arange(3, at::kFloat)}, {"b", at::arange(2, at::kLong)}});
  const std::string whole = contents();
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path_, std::ios::binary) << whole.substr(0, size);
    EXPECT_TRUE(load_error().starts_with("PATH is cut short: ")) << size << " " << load_error();
  }
  std::ofstream(path_, std::ios::binary) << whole.substr(0, whole.size() - 3);
  EXPECT_EQ(load_error(), "PATH is cut short: 25 of 28 bytes of data");
  std::ofstream(path_, std::ios::binary) << whole.substr(0, 20);
  EXPECT_EQ(load_error(), "PATH is cut short: 12 of 152 bytes of header");
  std::ofstream(path_, std::ios::binary) << "abc";
  EXPECT_EQ(load_error(), "PATH is cut short: 3 bytes");
}

TEST_F(Safetensors, MalformedFilesSayWhatIsWrong) {
  const std::map<std::string, std::string> headers = {
      {"[1]", "it has no header"},
      {"{\"a\":", "its header is not JSON"},
      {R"({"a":3})", "tensor a lacks dtype, shape or data_offsets"},
      {R"({"a":{"dtype":"F32","shape":[1]}})", "tensor a lacks dtype, shape or data_offsets"},
      {R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})",
       "tensor a has the unknown type F31"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
       "tensor a has -1 where a size belongs"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}})",
       "tensor a has 4.5 where a size belongs"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
       "tensor a is F32 [2], but its data_offsets are 0 to 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
       "tensor a is F32 [1], but its data_offsets are 4 to 0"},
      // 2^32 x 2^32 x 4 wraps to 0 in 64 bits
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
       "tensor a is F32 [4294967296, 4294967296], but its data_offsets are 0 to 0"},
      // beside a 0, too: LibTorch multiplies all lengths for the strides
      {R"({"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}})",
       "tensor a is U8 [0, 4294967296, 4294967296], but its data_offsets are 0 to 0"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "the data of tensor a follows a gap"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}})",
       "the data of tensor b overlaps another's"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
       R"("a":{"dtype":"U8","shape":[7],"data_offsets":[1,8]}})",
       "the data of tensor a follows a gap"},  // the last of two equal names counts
      {R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})",
       "3 bytes follow its last tensor"},
      {R"({"__metadata__":{"epoch":3}})", "its __metadata__ is not a map of strings"},
      {R"({"__metadata__":3})", "its __metadata__ is not a map of strings"},
      {R"({"__metadata__":"a"})", "its __metadata__ is not a map of strings"},
      {R"({"a":{"dtype":"F32","shape":)" + std::string(1'000'000, '['),
       "its header nests lists more than 100 deep"},
  };
  for (const auto& [header, text] : headers) {
    write_raw(header, 8);
    EXPECT_EQ(load_error(), "PATH is no safetensors file: " + text) << header;
  }
  std::ofstream(path_, std::ios::binary) << std::string(4096, '\x5a');
  EXPECT_EQ(load_error(), "PATH is no safetensors file: it has no header");
  std::filesystem::remove(path_);
  EXPECT_EQ(load_error(), "cannot read PATH: No such file or directory");
  std::filesystem::create_directory(path_);
  EXPECT_EQ(load_error(), "cannot read PATH: Is a directory");
}

TEST_F(Safetensors, WhatCannotBeWrittenIsNamed) {
  const at::Tensor tensor = at::arange(2);
  try {
    save_safetensors(path_, {{"w", tensor}, {"w", tensor}});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "two tensors are named w in one safetensors file");
  }
  try {
    save_safetensors(path_, {{"w", tensor.to(at::kComplexFloat)}});
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "tensor w is complex64, which a safetensors file cannot hold");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));  // neither the file nor its temporary
  try {
    save_safetensors(folder_ / "no" / "m.safetensors", {{"w", tensor}});
    FAIL();
  } catch (const IoError& error) {
    EXPECT_EQ(error.what(), "cannot write " + (folder_ / "no" / "m.safetensors").string() +
                                ": No such file or directory");
  }
}

// A limit on the file size stands in for a full disk: write(2) fails half way through.
TEST_F(Safetensors, AFullDiskLeavesThePreviousFile) {
  save_safetensors(path_, {{"w", at::arange(4)}});
  const std::string before = contents();

  rlimit previous;
  getrlimit(RLIMIT_FSIZE, &previous);
  const rlimit small = {4096, previous.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  std::string text;
  try {
    save_safetensors(path_, {{"w", at::arange(4000)}});
  } catch (const IoError& error) {
    text = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, handler);

  EXPECT_EQ(text, "cannot write " + path_ + ": File too large");
  EXPECT_EQ(contents(), before);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".tmp"));
}

}  // namespace
}  // namespace valley::safetensors_test
