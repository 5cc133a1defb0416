#pragma once

#include <string>

namespace valley {

/// Compares the content of every member of a zip file, such as a TorchScript module is, with the
/// CRC-32 that the file holds of it: LibTorch reads it without. Members with none (0) claim
/// nothing, nor do those above 4 GB. What else is wrong with the file is for its reader to find.
/// Cost: one pass over the file.
///
/// @throws DamagedFile "PATH is damaged: the checksum of its member NAME is 1a2b3c4d, that of its
///     content ...".
void check_zip(const std::string& path);

}  // namespace valley
