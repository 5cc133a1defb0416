#include "valley/record/tensorboard.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <concepts>
#include <string>

#include "valley/core/crc32c.h"

namespace valley {
namespace {

template <std::unsigned_integral Word>
std::string little_endian(Word word) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Word); ++i) bytes.push_back(static_cast<char>(word >> (8 * i)));
  return bytes;
}

// The parts of the Protocol Buffers encoding that an event needs: a field is a key
// (number << 3 | wire type) and a value.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string integer_field(int number, int64_t value) {
  return varint(number << 3 | 0) + varint(static_cast<uint64_t>(value));
}

std::string double_field(int number, double value) {
  return varint(number << 3 | 1) + little_endian(std::bit_cast<uint64_t>(value));
}

std::string bytes_field(int number, std::string_view value) {
  return varint(number << 3 | 2) + varint(value.size()) + std::string(value);
}

std::string float_field(int number, float value) {
  return varint(number << 3 | 5) + little_endian(std::bit_cast<uint32_t>(value));
}

// Field numbers of event.proto and summary.proto.
constexpr int kEventWallTime = 1;
constexpr int kEventStep = 2;
constexpr int kEventFileVersion = 3;
constexpr int kEventSummary = 5;
constexpr int kEventSessionLog = 7;
constexpr int kSummaryValue = 1;
constexpr int kValueTag = 1;
constexpr int kValueSimpleValue = 2;
constexpr int kSessionLogStatus = 1;
constexpr int64_t kSessionLogStart = 1;

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::filesystem::path new_file_name() {
  static std::atomic<int> number{0};
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host = {'h', 'o', 's', 't'};
  return fmt::format("events.out.tfevents.{:010}.{}.{}.{}", static_cast<int64_t>(wall_seconds()),
                     host.data(), ::getpid(), number++);
}

}  // namespace

TensorBoardWriter::TensorBoardWriter(const std::filesystem::path& folder,
                                     std::optional<int64_t> purge_step)
    : file_(folder / new_file_name(), AppendFile::Mode::kCreateNew) {
  write_event(bytes_field(kEventFileVersion, "brain.Event:2"));
  if (purge_step) {
    write_event(integer_field(kEventStep, *purge_step) +
                bytes_field(kEventSessionLog, integer_field(kSessionLogStatus, kSessionLogStart)));
  }
}

void TensorBoardWriter::scalar(std::string_view tag, int64_t step, double value) {
  const std::string point =
      bytes_field(kValueTag, tag) + float_field(kValueSimpleValue, static_cast<float>(value));
  write_event(integer_field(kEventStep, step) +
              bytes_field(kEventSummary, bytes_field(kSummaryValue, point)));
}

void TensorBoardWriter::write_event(std::string_view fields) {
  const std::string event = double_field(kEventWallTime, wall_seconds()).append(fields);
  const std::string length = little_endian(uint64_t{event.size()});
  file_.append(length + little_endian(masked_crc32c(length)) + event +
               little_endian(masked_crc32c(event)));
}

}  // namespace valley
