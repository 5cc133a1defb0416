#pragma once

#include <string>
#include <string_view>

#include "valley/algorithms/options.h"

namespace valley {

/// The value of an algorithm's setting as it is spelled; "" where it does not read it.
std::string option_text(AlgorithmOptions options, std::string_view key);

}  // namespace valley
