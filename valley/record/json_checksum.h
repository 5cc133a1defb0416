#pragma once

#include <string>

#include "valley/record/json_file.h"

namespace valley {

/// The object with a checksum (valley/core/checksum.h) as its last member: that of to_line()
/// without it, so that a file may be indented as one likes.
Json with_checksum(Json object);

/// What was given to with_checksum(), checked; an object without a checksum as it is. `name` is
/// that of the file. @throws DamagedFile
Json without_checksum(Json object, const std::string& name);

/// What is wrong with a file, or a line of one, that is_too_deep().
std::string too_deep(const std::string& name);

}  // namespace valley
