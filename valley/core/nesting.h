#pragma once

#include <cstdint>
#include <string_view>

namespace valley {

/// Nobody writes JSON deeper than that. What writes, copies and compares it calls itself for every
/// level, so that a file of nothing but brackets would end the process.
inline constexpr int64_t kDeepestJson = 100;

/// Whether lists and objects of a JSON text, sound or not, stand deeper in each other than that.
/// Cost: one pass over the text.
bool is_too_deep(std::string_view json);

}  // namespace valley
