#include "valley/data/wav.h"

#include <ATen/ops/empty.h>
#include <sndfile.h>

#include <cstring>
#include <memory>

#include "valley/core/error.h"
#include "valley/data/bytes.h"

namespace valley {
namespace {

/// libsndfile hands out what a file that was cut still holds, and says nothing.
void require_whole(const std::filesystem::path& path) {
  constexpr int64_t kHead = 12;  // "RIFF", the number of bytes that follow these eight, "WAVE"
  const std::vector<uint8_t> head = ByteReader(path).read(kHead);
  require(head.size() == kHead && std::memcmp(head.data(), "RIFF", 4) == 0 &&
              std::memcmp(head.data() + 8, "WAVE", 4) == 0,
          "{} is no WAV file", path.string());
  int64_t claimed = 8;
  for (int k = 0; k < 4; ++k) claimed += int64_t{head[4 + k]} << (8 * k);  // little-endian
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  require(bytes >= claimed, "{} is cut short: {} bytes expected, {} found", path.string(), claimed,
          bytes);
}

}  // namespace

at::Tensor read_wav(const std::filesystem::path& path, int64_t sample_rate) {
  require_data_file(path, "");
  require_whole(path);

  SF_INFO info{};
  const std::unique_ptr<SNDFILE, decltype(&sf_close)> file(sf_open(path.c_str(), SFM_READ, &info),
                                                           &sf_close);
  require(file != nullptr, "{} is damaged: {}", path.string(), sf_strerror(nullptr));
  require((info.format & SF_FORMAT_SUBMASK) == SF_FORMAT_PCM_16,
          "{} must hold samples of 16-bit PCM", path.string());
  require(info.samplerate == sample_rate, "{} must have {} samples a second, has {}", path.string(),
          sample_rate, info.samplerate);
  require(info.channels == 1, "{} must have one channel, has {}", path.string(), info.channels);
  require(info.frames > 0, "{} holds no samples", path.string());

  const at::Tensor samples = at::empty({info.frames}, at::kFloat);
  const sf_count_t got = sf_readf_float(file.get(), samples.data_ptr<float>(), info.frames);
  require(got == info.frames, "{} is damaged: {} samples expected, {} found", path.string(),
          info.frames, got);
  return samples;
}

}  // namespace valley
