#pragma once

#include <c10/core/ScalarType.h>

#include <string>

namespace valley {

/// A type by the name that Python's torch gives it: "float32", "bfloat16", "complex64".
std::string dtype_name(at::ScalarType type);

}  // namespace valley
