#pragma once

#include <string>

#include "valley/comm/rendezvous.h"

namespace valley {

/// The secret of a job: what is in `file`, or else in the variable VALLEY_TOKEN; "" if there is
/// neither. A line of 16 to 4096 bytes; its end does not count. A pipe can be read once.
/// @throws UsageError if the file cannot be read, or holds something else; nothing of it is said.
std::string read_token(const std::string& file, const Getenv& getenv);

inline constexpr const char* kTokenVariable = "VALLEY_TOKEN";

}  // namespace valley
