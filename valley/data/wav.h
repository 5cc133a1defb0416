#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>

namespace valley {

struct Sound {
  at::Tensor samples;  ///< [n] float32 in [-1, 1], n > 0
  int64_t rate = 0;    ///< a second
};

/// A sound file of any rate, the mean of its channels: WAV of 8 to 32 bits or floats (also one
/// whose header has placeholders, see read_wav()), FLAC, Ogg Vorbis or Opus, AIFF, AU, and what
/// else libsndfile knows by its content.
/// @throws UsageError for a missing or empty file, one that is no sound, damaged or cut short.
Sound read_sound(const std::filesystem::path& path);

/// The samples of a WAV file with one channel of 16-bit PCM, as float32 in [-1, 1): [n], n > 0. A
/// size in its header that is a placeholder, as programs leave it that write into a pipe, claims
/// nothing: the file is read to its end.
/// @throws UsageError for a missing or empty file, one that is no WAV file or ends before its
/// header
///     says, another rate, more channels, other samples.
at::Tensor read_wav(const std::filesystem::path& path, int64_t sample_rate);

}  // namespace valley
