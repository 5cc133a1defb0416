#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "valley/data/picture_file.h"

namespace valley {

struct PictureFile {
  std::filesystem::path path;
  int64_t bytes = 0;
  uint32_t crc = 0;          // CRC-32C of its bytes
  PictureSize size = {};     // as its header says
  std::string problem = {};  // why it cannot be read; empty: nothing known against it
};

/// Reads every file once, by as many threads as there are cores, and fills all but the path.
void look_at(std::vector<PictureFile>& files);

struct StoredPictures {
  at::Tensor pixels;         ///< [N, C, H, W] uint8, of the files without a problem
  std::string cannot_store;  ///< why the pixels stayed in memory; empty where they did not
};

/// The pixels of those `files` that have no problem, brought to one size; those that turn out to
/// have one get it. They are decoded by as many threads as there are cores, once: into the folder
/// $VALLEY_CACHE, else $XDG_CACHE_HOME/valley, else ~/.cache/valley, where the next call finds them
/// by the content of the files and maps them. A damaged entry is made anew. Several processes wait
/// for the first of them.
StoredPictures stored_pictures(std::vector<PictureFile>& files, const PictureSize& size);

}  // namespace valley
