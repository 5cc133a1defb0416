#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// Sound files, one folder a class, the parts as find_class_files() has them: what read_sound()
/// reads, of any rate (resampled to 8 kHz, resample.h), all channels mixed to one.
///
/// An example is [1, T, 40] float32: T frames, 10 ms apart, of 40 bands (log_mel.h), from the
/// middle of the sound, with silence on both sides where it is shorter. T is what the longest sound
/// to train on takes, in [8, 256]: at most 2.6 s. Every band has mean 0 and deviation 1 over the
/// training part; the Dataset's own mean and stddev are therefore 0 and 1.
///
/// Where all files to train on are named SPEAKER_nohash_NUMBER.*, as those of Speech Commands
/// (Warden, arXiv:1804.03209), the origins are the speakers.
///
/// Left out, counted and said: what find_class_files() leaves out, and files that cannot be read,
/// are cut short or hold no sample, unless options.strict.
/// @throws UsageError as find_class_files(), for a class without a readable file to train on, and
///     with `strict` for the first file that cannot be read.
DataSplits load_speech(const std::string& folder, const DataOptions& options);

}  // namespace valley
