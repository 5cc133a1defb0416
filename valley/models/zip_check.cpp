#include "valley/models/zip_check.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "valley/core/checksum.h"

namespace valley {
namespace {

constexpr size_t kBlock = size_t{1} << 20;
constexpr uint32_t kElsewhere = 0xFFFFFFFF;  // the value is in a field for files above 4 GB

uint64_t number(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t k = size; k-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + k]);
  return value;
}

std::string read_at(std::ifstream& file, uint64_t position, size_t size) {
  std::string bytes(size, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(position));
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

struct Member {
  std::string name;
  bool packed = false;
  uint32_t crc = 0;
  uint64_t size = 0;   // in the file
  uint64_t begin = 0;  // of its local header
};

// The directory at the file's end, as far as it can be understood.
std::vector<Member> read_directory(std::ifstream& file, uint64_t file_size) {
  constexpr size_t kEnd = 22, kHeader = 46;
  const uint64_t tail_size = std::min<uint64_t>(file_size, 65536 + kEnd);
  const std::string tail = read_at(file, file_size - tail_size, tail_size);
  const size_t end = tail.rfind("PK\5\6");
  if (end == tail.npos || tail.size() - end < kEnd) return {};
  const uint64_t size = number(tail, end + 12, 4), offset = number(tail, end + 16, 4);
  if (offset == kElsewhere || size > file_size || offset > file_size - size) return {};
  const std::string directory = read_at(file, offset, size);

  std::vector<Member> members;
  for (size_t at = 0; at + kHeader <= directory.size();) {
    if (directory.compare(at, 4, "PK\1\2") != 0) break;
    const uint64_t method = number(directory, at + 10, 2);
    const size_t name = number(directory, at + 28, 2);
    Member member{.name = directory.substr(at + kHeader, name),
                  .packed = method == 8,
                  .crc = static_cast<uint32_t>(number(directory, at + 16, 4)),
                  .size = number(directory, at + 20, 4),
                  .begin = number(directory, at + 42, 4)};
    const bool known = method == 0 || method == 8;
    if (known && member.crc != 0 && member.size != kElsewhere && member.begin != kElsewhere)
      members.push_back(std::move(member));
    at += kHeader + name + number(directory, at + 30, 2) + number(directory, at + 32, 2);
  }
  return members;
}

// Of the content, unpacked; nothing if it does not unpack.
std::optional<uint32_t> crc_of(std::ifstream& file, const Member& member) {
  constexpr size_t kHeader = 30;
  const std::string header = read_at(file, member.begin, kHeader);
  if (header.size() < kHeader || header.compare(0, 4, "PK\3\4") != 0) return std::nullopt;
  uint64_t position = member.begin + kHeader + number(header, 26, 2) + number(header, 28, 2);

  uLong crc = crc32(0, nullptr, 0);
  z_stream stream{};
  if (member.packed && inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  std::string unpacked(member.packed ? kBlock : 0, '\0');
  int code = Z_OK;
  uint64_t left = member.size;
  while (left > 0 && code == Z_OK) {
    std::string block = read_at(file, position, std::min<uint64_t>(left, kBlock));
    if (block.empty()) break;
    position += block.size();
    left -= block.size();
    auto* bytes = reinterpret_cast<Bytef*>(block.data());
    if (!member.packed) {
      crc = crc32(crc, bytes, static_cast<uInt>(block.size()));
      continue;
    }
    stream.next_in = bytes;
    stream.avail_in = static_cast<uInt>(block.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
      stream.avail_out = static_cast<uInt>(unpacked.size());
      code = inflate(&stream, Z_NO_FLUSH);
      crc = crc32(crc, reinterpret_cast<Bytef*>(unpacked.data()),
                  static_cast<uInt>(unpacked.size() - stream.avail_out));
    } while (code == Z_OK && stream.avail_out == 0);
    if (code == Z_BUF_ERROR) code = Z_OK;  // it asks for the next block
  }
  if (member.packed) inflateEnd(&stream);
  const bool whole = left == 0 && (!member.packed || code == Z_STREAM_END);
  return whole ? std::optional(static_cast<uint32_t>(crc)) : std::nullopt;
}

}  // namespace

void check_zip(const std::string& path) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file.is_open()) return;
  for (const Member& member : read_directory(file, size)) {
    const auto found = crc_of(file, member);
    if (found == member.crc) continue;
    throw DamagedFile(fmt::format(
        "{} is damaged: the checksum of its member {} is {}, {}", path, member.name,
        checksum_text(member.crc),
        found ? "that of its content " + checksum_text(*found) : "but it cannot be read"));
  }
}

}  // namespace valley
