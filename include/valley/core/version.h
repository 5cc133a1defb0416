#pragma once

namespace valley {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace valley
