#pragma once

#include <string>

#include "valley/instruments/sharpness_options.h"
#include "valley/record/config_file.h"

namespace valley {

/// The table [sharpness]: the options by their names. @throws UsageError
SharpnessOptions sharpness_options_of(const Config& table, const std::string& source);

}  // namespace valley
