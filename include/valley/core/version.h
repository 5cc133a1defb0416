#pragma once

namespace valley {

/// The version, in this one place: CMake reads it here, and scripts/check_docs.py holds the
/// documents to it.
inline constexpr const char* kVersion = "0.2.0";

}  // namespace valley
