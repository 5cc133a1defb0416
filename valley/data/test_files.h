#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "valley/core/error.h"
#include "valley/core/testing/test_folder.h"

/// Made-up data files for the tests of this room.
namespace valley {

using Bytes = std::vector<uint8_t>;

/// A folder that goes with the test, with paths as the loaders take them.
class DataFolder {
 public:
  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }
  std::string string() const { return folder_.path().string(); }

 private:
  TestFolder folder_;
};

inline void write_file(const std::string& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

inline Bytes file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline void write_gzip(const std::string& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

/// An IDX file: header of `sizes`, then `values`.
inline Bytes idx_bytes(const std::vector<uint32_t>& sizes, const Bytes& values) {
  Bytes bytes = {0, 0, 8, static_cast<uint8_t>(sizes.size())};
  for (const uint32_t size : sizes)
    for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<uint8_t>(size >> shift));
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

struct WavFormat {
  uint32_t rate = 8000;
  uint16_t channels = 1;
  uint16_t bits = 16;  // 16 or 8
};

/// A WAV file of these values, one after the other whatever the channels; 8 bits: the upper ones.
inline Bytes wav_bytes(const std::vector<int16_t>& values, const WavFormat& format = {}) {
  Bytes bytes;
  const auto text = [&](const char* word) { bytes.insert(bytes.end(), word, word + 4); };
  const auto number = [&](uint32_t value, int size) {
    for (int k = 0; k < size; ++k) bytes.push_back(static_cast<uint8_t>(value >> (8 * k)));
  };
  const uint32_t frame = format.channels * format.bits / 8;
  const auto data = static_cast<uint32_t>(values.size()) * format.bits / 8;
  text("RIFF");
  number(36 + data, 4);
  text("WAVE");
  text("fmt ");
  number(16, 4);
  number(1, 2);  // PCM
  number(format.channels, 2);
  number(format.rate, 4);
  number(format.rate * frame, 4);
  number(frame, 2);
  number(format.bits, 2);
  text("data");
  number(data, 4);
  for (const int16_t value : values) {
    const auto unsigned_value = static_cast<uint16_t>(value);
    if (format.bits == 16) {
      number(unsigned_value, 2);
    } else {
      number((unsigned_value >> 8) ^ 0x80, 1);
    }
  }
  return bytes;
}

/// The text of the UsageError that `body` throws; a failure if it throws none.
template <typename Body>
std::string usage_error(const Body& body) {
  try {
    body();
  } catch (const UsageError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no UsageError";
  return "";
}

}  // namespace valley
