#pragma once

#include <string>
#include <vector>

#include "valley/compression/payload.h"

namespace valley::app {

/// "1024x784,256x1024": rows and columns of matrices. @throws UsageError for anything else.
std::vector<MatrixShape> parse_shapes(const std::string& text);

/// Of the parameters in a .safetensors file, vectors as one row: its header, not its data.
/// @throws UsageError if it is none.
std::vector<MatrixShape> shapes_in(const std::string& file);

/// With a row of what is left of so many parameters. @throws UsageError if they are more.
std::vector<MatrixShape> with_the_rest(std::vector<MatrixShape> shapes, int64_t parameters);

}  // namespace valley::app
