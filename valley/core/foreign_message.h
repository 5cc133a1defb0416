#pragma once

#include <string>
#include <string_view>

namespace valley {

/// What another library's message says, as one line that is never empty.
///
/// A message may begin with an empty line, and carry a traceback, source locations and more lines.
/// What a person needs of it is the text behind the last "SomeError: " at the beginning of a line,
/// or else its first line that says anything. "[enforce fail at FILE:LINE] . " goes. A message that
/// says nothing at all is "no reason given".
std::string one_line(std::string_view message);

}  // namespace valley
