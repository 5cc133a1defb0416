#pragma once

#include <cstddef>
#include <string_view>

namespace valley {

/// The columns a UTF-8 text takes on a terminal: one a character, none for combining marks, two
/// for East Asian wide ones.
size_t display_width(std::string_view text);

}  // namespace valley
