#pragma once

#include <memory>
#include <string>

#include "valley/data/dataset.h"

namespace valley {

/// The examples of one file, for a model that was trained on `trained`: a picture (JPEG, PNG),
/// brought to the size and colours of those, or a .npy file of examples of their shape; where those
/// come of a table, a table with its columns; where they are text, any file, of which the last
/// tokens are one example, as many as an example has or all. Targets are zeros.
/// @throws UsageError if the file is neither, or holds other examples.
std::shared_ptr<const Dataset> examples_of_file(const std::string& path, const Dataset& trained);

}  // namespace valley
