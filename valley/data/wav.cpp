#include "valley/data/wav.h"

#include <ATen/ops/empty.h>
#include <sndfile.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/bytes.h"

namespace valley {
namespace {

// A program that writes into a pipe cannot go back and fill in how much came: it leaves 0,
// 0xFFFFFFFF, or the largest size it dares (sox: 0x7FFFF000, in whole frames).
bool is_placeholder(uint32_t size) { return size == 0 || size >= 0x7FFFF000 - 0x1000; }

uint32_t little_endian(const uint8_t* b) {
  return uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
}

void put_little_endian(uint32_t value, uint8_t* to) {
  for (int k = 0; k < 4; ++k) to[k] = static_cast<uint8_t>(value >> (8 * k));
}

// The format and the samples of a file, with the sizes that are there in the place of placeholders.
// libsndfile hands out what a file that was cut still holds, and says nothing: whether it was cut
// say the size of all, "RIFF", and that of the samples, "data". Other chunks it need not see: lists
// of nonsense keep it busy for ever.
std::vector<uint8_t> read_whole(const std::filesystem::path& path) {
  constexpr size_t kHead = 12;  // "RIFF", the number of bytes that follow these eight, "WAVE"
  constexpr size_t kChunk = 8;  // its name, the number of bytes that follow
  std::vector<uint8_t> bytes =
      ByteReader(path).read(static_cast<int64_t>(std::filesystem::file_size(path)));
  require(bytes.size() >= kHead && std::memcmp(bytes.data(), "RIFF", 4) == 0 &&
              std::memcmp(&bytes[8], "WAVE", 4) == 0,
          "{} is no WAV file", path.string());
  const auto complete = [&](size_t at, size_t begin) {
    const uint32_t size = little_endian(&bytes[at]);
    const size_t found = bytes.size() - begin;
    if (is_placeholder(size)) return put_little_endian(static_cast<uint32_t>(found), &bytes[at]);
    require(found >= size, "{} is cut short: {} bytes expected, {} found", path.string(),
            begin + size, bytes.size());
  };
  complete(4, 8);
  std::vector<uint8_t> kept(bytes.begin(), bytes.begin() + kHead);
  bool last = false;
  for (size_t at = kHead; at + kChunk <= bytes.size() && !last;) {
    last = std::memcmp(&bytes[at], "data", 4) == 0;
    if (last) complete(at + 4, at + kChunk);
    const size_t begin = at, size = little_endian(&bytes[at + 4]);
    require(size <= bytes.size() - at - kChunk, "{} is damaged: a chunk claims {} bytes, {} follow",
            path.string(), size, bytes.size() - at - kChunk);
    at = std::min(at + kChunk + size + size % 2, bytes.size());
    if (last || std::memcmp(&bytes[begin], "fmt ", 4) == 0)
      kept.insert(kept.end(), bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                  bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  put_little_endian(static_cast<uint32_t>(kept.size() - 8), &kept[4]);
  return kept;
}

// The bytes as libsndfile reads a file.
struct Memory {
  std::vector<uint8_t> bytes;
  sf_count_t position = 0;

  sf_count_t size() const { return static_cast<sf_count_t>(bytes.size()); }
  SNDFILE* open(SF_INFO& info) {
    static SF_VIRTUAL_IO calls = {
        .get_filelen = [](void* self) { return static_cast<Memory*>(self)->size(); },
        .seek =
            [](sf_count_t offset, int whence, void* self) {
              auto* memory = static_cast<Memory*>(self);
              if (whence == SEEK_CUR) offset += memory->position;
              if (whence == SEEK_END) offset += memory->size();
              return memory->position = std::clamp<sf_count_t>(offset, 0, memory->size());
            },
        .read =
            [](void* to, sf_count_t count, void* self) {
              auto* memory = static_cast<Memory*>(self);
              count = std::min(count, memory->size() - memory->position);
              if (count > 0) std::memcpy(to, &memory->bytes[memory->position], count);
              memory->position += count;
              return count;
            },
        .write = nullptr,
        .tell = [](void* self) { return static_cast<Memory*>(self)->position; }};
    return sf_open_virtual(&calls, SFM_READ, &info, this);
  }
};

}  // namespace

namespace {

// What libsndfile reads of these bytes.
struct OpenSound {
  Memory memory;
  SF_INFO info = {};
  std::unique_ptr<SNDFILE, decltype(&sf_close)> file{nullptr, &sf_close};

  OpenSound(std::vector<uint8_t> bytes, const std::filesystem::path& path)
      : memory{.bytes = std::move(bytes)} {
    file.reset(memory.open(info));
    require(file != nullptr, "{} is damaged: {}", path.string(), sf_strerror(nullptr));
  }

  // [frames, channels]
  at::Tensor samples(const std::filesystem::path& path) {
    require(info.frames > 0, "{} holds no samples", path.string());
    const at::Tensor all = at::empty({info.frames, info.channels}, at::kFloat);
    const sf_count_t got = sf_readf_float(file.get(), all.data_ptr<float>(), info.frames);
    require(got == info.frames, "{} is damaged: {} samples expected, {} found", path.string(),
            info.frames, got);
    return all;
  }
};

bool begins_with(const std::filesystem::path& path, std::string_view magic) {
  const std::vector<uint8_t> head = ByteReader(path).read(static_cast<int64_t>(magic.size()));
  return std::equal(head.begin(), head.end(), magic.begin(), magic.end(),
                    [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
}

// An Ogg stream says in its last page that it is the last one; libsndfile takes any page for that.
void require_end_of_ogg(const std::vector<uint8_t>& bytes, const std::filesystem::path& path) {
  constexpr std::string_view kPage = "OggS";
  constexpr std::ptrdiff_t kFlags = 5;
  const auto last = std::find_end(bytes.begin(), bytes.end(), kPage.begin(), kPage.end());
  require(bytes.end() - last > kFlags && (last[kFlags] & 4) != 0,
          "{} is cut short: its last page is missing", path.string());
}

}  // namespace

Sound read_sound(const std::filesystem::path& path) {
  require_data_file(path, "");
  std::vector<uint8_t> bytes;
  if (begins_with(path, "RIFF")) {
    bytes = read_whole(path);
  } else {
    bytes = ByteReader(path).read(std::numeric_limits<int64_t>::max());
    if (begins_with(path, "OggS")) require_end_of_ogg(bytes, path);
  }
  OpenSound sound(std::move(bytes), path);
  return {.samples = sound.samples(path).mean(1), .rate = sound.info.samplerate};
}

at::Tensor read_wav(const std::filesystem::path& path, int64_t sample_rate) {
  require_data_file(path, "");
  OpenSound sound(read_whole(path), path);
  const SF_INFO& info = sound.info;
  require((info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16,
          "{} must hold samples of 16-bit PCM", path.string());
  require(info.samplerate == sample_rate, "{} must have {} samples a second, has {}", path.string(),
          sample_rate, info.samplerate);
  require(info.channels == 1, "{} must have one channel, has {}", path.string(), info.channels);
  return sound.samples(path).view({-1});
}

}  // namespace valley
