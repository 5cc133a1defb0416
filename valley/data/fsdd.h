#pragma once

#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// The Free Spoken Digit Dataset: English digits, WAV files of one channel, 8 kHz, 16 bits, named
/// DIGIT_SPEAKER_INDEX.wav, the ending in upper or lower case. What else lies there is left out and
/// counted (valley/data/notes.h). `path` is their folder, or the one that holds it as recordings.
/// Index 0 to 4 of every digit and speaker is the test split, the rest the training split.
///
/// An example is [1, 64, 40] float32: 64 frames of 40 bands (see log_mel.h), the 0.655 s in the
/// middle of the recording, with silence on both sides where it is shorter. So it is an image of
/// one channel, or a sequence of 64 steps. Every band has mean 0 and deviation 1 over the training
/// split; the Dataset's own mean and stddev are therefore 0 and 1. Its origins are the speakers.
/// @throws UsageError for a folder without recordings, another file name, a digit without
/// recordings
///     in a split, what read_wav does not take.
///
/// Reference: Jackson, Free Spoken Digit Dataset,
/// https://github.com/Jakobovski/free-spoken-digit-dataset.
DataSplits load_fsdd(const std::string& path);

}  // namespace valley
