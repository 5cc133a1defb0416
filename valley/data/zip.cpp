#include "valley/data/zip.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/bytes.h"

namespace valley {
namespace {

constexpr uint64_t kEndSize = 22, kEntrySize = 46, kLocalSize = 30, kLocatorSize = 20;
constexpr std::string_view kEnd = "PK\5\6", kEntry = "PK\1\2", kLocal = "PK\3\4",
                           kLocator = "PK\6\7", kEnd64 = "PK\6\6";
constexpr uint64_t kStored = 0, kDeflated = 8, kZip64 = 1;
constexpr uint64_t kFull = 0xffffffff;  // the number stands in the extra field

std::shared_ptr<const std::vector<uint8_t>> inflated(std::string_view packed, uint64_t size,
                                                     uint64_t checksum, const std::string& what) {
  // What is claimed must be possible before it is allocated: deflate makes at most 1032 bytes of
  // one.
  require(size <= (packed.size() + 1) * 1032, "{} is damaged: it claims {} bytes", what, size);
  const auto bytes = std::make_shared<std::vector<uint8_t>>(size);
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  constexpr uint64_t kPart = 1 << 30;  // zlib counts in 32 bits
  uint64_t in = 0, out = 0;
  int code = Z_OK;
  while (code == Z_OK) {
    if (stream.avail_in == 0) {
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data())) + in;
      stream.avail_in = static_cast<uInt>(std::min(kPart, packed.size() - in));
      in += stream.avail_in;
    }
    if (stream.avail_out == 0) {
      stream.next_out = bytes->data() + out;
      stream.avail_out = static_cast<uInt>(std::min(kPart, size - out));
      out += stream.avail_out;
    }
    code = inflate(&stream, Z_NO_FLUSH);
  }
  const uint64_t made = out - stream.avail_out;
  inflateEnd(&stream);
  require(code == Z_STREAM_END && made == size, "{} is damaged: {} of {} bytes could be unpacked",
          what, made, size);
  uLong sum = crc32(0, nullptr, 0);
  for (uint64_t at = 0; at < size; at += kPart)
    sum = crc32(sum, bytes->data() + at, static_cast<uInt>(std::min(kPart, size - at)));
  require(sum == checksum, "{} is damaged: its checksum is not that of its bytes", what);
  return bytes;
}

}  // namespace

ZipFile::ZipFile(const std::string& path) : path_(path) {
  require_data_file(path, "");
  file_ = std::make_shared<MappedFile>(path);
  read_directory();
}

std::string_view ZipFile::part(uint64_t begin, uint64_t size) const {
  const std::string_view all = file_->bytes();
  require(begin <= all.size() && size <= all.size() - begin,
          "{} is cut short or damaged: it refers to byte {} of {}", path_, begin + size,
          all.size());
  return all.substr(begin, size);
}

uint64_t ZipFile::number(uint64_t at, int bytes) const {
  const std::string_view text = part(at, static_cast<uint64_t>(bytes));
  uint64_t value = 0;
  for (int k = bytes; k-- > 0;) value = value << 8 | static_cast<uint8_t>(text[k]);
  return value;
}

void ZipFile::read_zip64(Entry& entry, uint64_t at, uint64_t end) const {
  while (at + 4 <= end) {
    const uint64_t id = number(at, 2), size = number(at + 2, 2);
    at += 4;
    uint64_t place = at;
    if (id == kZip64)
      for (uint64_t* value : {&entry.size, &entry.packed, &entry.header})
        if (*value == kFull) *value = number(std::exchange(place, place + 8), 8);
    at += size;
  }
}

void ZipFile::read_directory() {
  const std::string_view all = file_->bytes();
  const size_t end = all.rfind(kEnd);
  require(all.starts_with(kLocal) || all.starts_with(kEnd), "{} is no ZIP archive", path_);
  require(end != all.npos && all.size() - end >= kEndSize,
          "{} is cut short or damaged: it has no directory at its end", path_);
  uint64_t count = number(end + 10, 2), at = number(end + 16, 4);
  if (end >= kLocatorSize && part(end - kLocatorSize, 4) == kLocator) {
    const uint64_t end64 = number(end - kLocatorSize + 8, 8);
    require(part(end64, 4) == kEnd64, "{} is cut short or damaged: it has no directory", path_);
    count = number(end64 + 32, 8);
    at = number(end64 + 48, 8);
  }
  for (uint64_t k = 0; k < count; ++k) {
    require(part(at, 4) == kEntry, "{} is cut short or damaged: its directory ends after {} of {}",
            path_, k, count);
    Entry entry{.method = number(at + 10, 2),
                .crc32 = number(at + 16, 4),
                .packed = number(at + 20, 4),
                .size = number(at + 24, 4),
                .header = number(at + 42, 4),
                .flags = number(at + 8, 2)};
    const uint64_t name = number(at + 28, 2), extra = number(at + 30, 2),
                   comment = number(at + 32, 2), names = at + kEntrySize;
    read_zip64(entry, names + name, names + name + extra);
    entries_[std::string(part(names, name))] = entry;
    at = names + name + extra + comment;
  }
}

ZipFile::Content ZipFile::content(const std::string& name) const {
  const std::string what = path_ + ": " + name;
  const auto found = entries_.find(name);
  require(found != entries_.end(), "{} is missing", what);
  const Entry& entry = found->second;
  require((entry.flags & 1) == 0, "{} is encrypted", what);
  require(part(entry.header, 4) == kLocal, "{} is damaged: it does not begin where it should",
          what);
  const uint64_t begin =
      entry.header + kLocalSize + number(entry.header + 26, 2) + number(entry.header + 28, 2);
  const std::string_view packed = part(begin, entry.packed);
  if (entry.method == kStored) return {packed, file_};
  require(entry.method == kDeflated,
          "{} is packed by method {}; save it by numpy.savez() or savez_compressed()", what,
          entry.method);
  const auto bytes = inflated(packed, entry.size, entry.crc32, what);
  return {{reinterpret_cast<const char*>(bytes->data()), bytes->size()}, bytes};
}

}  // namespace valley
