#pragma once

#include <string>

namespace valley {

/// Whether `name` stands for a TorchScript file: it is no name of the registry, and there is such a
/// file, or it can only be one ("net.pt", "exports/net").
bool is_model_file(const std::string& name);

}  // namespace valley
