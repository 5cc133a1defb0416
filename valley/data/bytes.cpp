#include "valley/data/bytes.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr int64_t kChunk = 1 << 20;

}  // namespace

void require_data_file(const std::filesystem::path& path, const std::string& remedy) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  require(std::filesystem::exists(status), "data file {} is missing{}{}", path.string(),
          remedy.empty() ? "" : "; ", remedy);
  require(std::filesystem::is_regular_file(status), "{} is not an ordinary file", path.string());
  require(std::filesystem::file_size(path) > 0, "{} is empty", path.string());
}

void require_folder(const std::filesystem::path& folder, const std::string& usage,
                    const std::string& file) {
  std::error_code error;
  const auto status = std::filesystem::status(folder, error);
  require(!std::filesystem::exists(status) || std::filesystem::is_directory(status),
          "{} is a file; {} takes the folder that holds {}", folder.string(), usage, file);
}

ByteReader::ByteReader(const std::filesystem::path& path)
    : path_(path), file_(gzopen(path.c_str(), "rb")) {
  require(file_ != nullptr, "cannot open {}: {}", path.string(), std::strerror(errno));
  gzbuffer(file_, 1 << 17);
}

ByteReader::~ByteReader() { gzclose(file_); }

int64_t ByteReader::read_some(uint8_t* to, int64_t count) {
  const int got = gzread(file_, to, static_cast<unsigned>(count));
  int code = Z_OK;
  const char* text = gzerror(file_, &code);  // begins with the path
  cut_ = code == Z_BUF_ERROR;  // zlib hands out what a cut file still holds and reports it beside
  require(got >= 0 && (cut_ || code == Z_OK || code == Z_STREAM_END), "cannot read {}", text);
  return got;
}

std::vector<uint8_t> ByteReader::read(int64_t count) {
  std::vector<uint8_t> bytes;
  int64_t size = 0;
  while (size < count) {
    const int64_t wanted = std::min(count - size, std::max(kChunk, size));
    bytes.resize(size + wanted);
    int64_t got = 0;
    for (int64_t part = 1; part > 0 && got < wanted; got += part)
      part = read_some(bytes.data() + size + got, std::min(kChunk, wanted - got));
    size += got;
    if (got < wanted) break;
  }
  bytes.resize(size);
  return bytes;
}

int64_t ByteReader::skip_to_end() {
  std::array<uint8_t, 1 << 16> sink;
  int64_t total = 0;
  while (const int64_t got = read_some(sink.data(), sink.size())) total += got;
  require(!cut_, "{} is cut short: its gzip stream does not end", path_.string());
  return total;
}

}  // namespace valley
