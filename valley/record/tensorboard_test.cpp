#include "valley/record/tensorboard.h"

#include <unistd.h>

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "valley/core/crc32c.h"
#include "valley/core/testing/test_folder.h"

namespace valley::tensorboard_test {
namespace {

// A decoder of its own, that knows the formats but none of the writer's functions.
template <typename T>
T load(std::string_view bytes, size_t at) {
  T value;
  if (at + sizeof(T) > bytes.size()) throw std::runtime_error("the file ends early");
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

std::vector<std::string> records(const std::string& file) {
  std::vector<std::string> found;
  for (size_t at = 0; at < file.size();) {
    const auto length = load<uint64_t>(file, at);
    EXPECT_EQ(load<uint32_t>(file, at + 8), masked_crc32c(std::string_view(file).substr(at, 8)));
    const std::string data = file.substr(at + 12, length);
    EXPECT_EQ(load<uint32_t>(file, at + 12 + length), masked_crc32c(data));
    found.push_back(data);
    at += length + 16;
  }
  return found;
}

// Field number -> raw bytes of the value (varints as 8 bytes).
std::map<int, std::string> fields(std::string_view message) {
  std::map<int, std::string> found;
  size_t at = 0;
  const auto varint = [&] {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = load<uint8_t>(message, at++);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const uint64_t key = varint();
    const auto wire_type = key & 7;
    size_t size = wire_type == 1 ? 8 : 4;
    if (wire_type == 0) {
      const uint64_t value = varint();
      found[static_cast<int>(key >> 3)] =
          std::string(reinterpret_cast<const char*>(&value), sizeof(value));
      continue;
    }
    if (wire_type == 2) size = varint();
    EXPECT_LE(at + size, message.size());
    found[static_cast<int>(key >> 3)] = message.substr(at, size);
    at += size;
  }
  return found;
}

TEST(TensorBoard, AScalarByteByByte) {
  TestFolder folder;
  TensorBoardWriter writer(folder.path());
  writer.scalar("loss", 300, 0.5);
  const auto all = records(slurp(writer.path()));
  ASSERT_EQ(all.size(), 2u);
  // 0x09: field 1, eight bytes (the time); 0x1a 13: field 3, text.
  EXPECT_EQ(all[0].substr(0, 1), "\x09");
  EXPECT_EQ(all[0].substr(9),
            "\x1a\x0d"
            "brain.Event:2");
  // Step 300 = 0xAC 0x02; a summary of 13 bytes holds one value of 11: tag, and 0.5 as a float.
  EXPECT_EQ(all[1].substr(9), std::string("\x10\xac\x02"
                                          "\x2a\x0d"
                                          "\x0a\x0b"
                                          "\x0a\x04"
                                          "loss"
                                          "\x15\x00\x00\x00\x3f",
                                          18));
}

TEST(TensorBoard, ReadsBack) {
  TestFolder folder;
  const auto now = [] {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration<double>(time).count();
  };
  const double before = now();
  TensorBoardWriter writer(folder.path());
  const std::string long_tag(300, 't');
  writer.scalar("train/loss", 0, -1.25);
  writer.scalar(long_tag, int64_t{1} << 40, std::nan(""));
  const double after = now();

  const auto all = records(slurp(writer.path()));
  ASSERT_EQ(all.size(), 3u);
  for (const auto& record : all) {
    const double time = load<double>(fields(record)[1], 0);
    EXPECT_LE(before, time);
    EXPECT_LE(time, after);
  }
  auto event = fields(all[1]);
  auto value = fields(fields(event[5])[1]);
  EXPECT_EQ(load<int64_t>(event[2], 0), 0);
  EXPECT_EQ(value[1], "train/loss");
  EXPECT_EQ(load<float>(value[2], 0), -1.25f);
  event = fields(all[2]);
  value = fields(fields(event[5])[1]);
  EXPECT_EQ(load<int64_t>(event[2], 0), int64_t{1} << 40);
  EXPECT_EQ(value[1], long_tag);
  EXPECT_TRUE(std::isnan(load<float>(value[2], 0)));
}

TEST(TensorBoard, ResumeHidesTheStepsToBeRepeated) {
  TestFolder folder;
  TensorBoardWriter writer(folder.path(), 7);
  const auto all = records(slurp(writer.path()));
  ASSERT_EQ(all.size(), 2u);
  auto event = fields(all[1]);
  EXPECT_EQ(load<int64_t>(event[2], 0), 7);
  EXPECT_EQ(load<int64_t>(fields(event[7])[1], 0), 1);  // SessionLog.START
}

TEST(TensorBoard, EveryWriterHasAFileOfItsOwn) {
  TestFolder folder;
  const TensorBoardWriter a(folder.path());
  const TensorBoardWriter b(folder.path());
  EXPECT_NE(a.path(), b.path());
  std::array<char, 256> host{};
  ASSERT_EQ(::gethostname(host.data(), host.size() - 1), 0);
  const std::string name = a.path().filename().string();
  EXPECT_EQ(name.rfind("events.out.tfevents.", 0), 0u);
  EXPECT_NE(name.find(std::string(".") + host.data() + "."), std::string::npos);
}

TEST(TensorBoard, SaysWhyItCannotWrite) {
  TestFolder folder;
  const std::string text =
      error_of<IoError>([&] { TensorBoardWriter((folder / "none").string()); });
  EXPECT_EQ(text.rfind("cannot write " + (folder / "none").string() + "/events.out.tfevents.", 0),
            0u);
  EXPECT_NE(text.find(": No such file or directory"), std::string::npos);
}

}  // namespace
}  // namespace valley::tensorboard_test
