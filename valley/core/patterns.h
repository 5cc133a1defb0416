#pragma once

#include <string>
#include <vector>

namespace valley {

struct Key;

/// Which parameters `patterns` mean: names, with * for any letters and commas between.
/// @throws UsageError if one means none of `names`: "KEY: no parameter is called 'conv*'; there are
///     A, B, ..."
std::vector<bool> parameters_called(const std::string& patterns,
                                    const std::vector<std::string>& names, const Key& key);

}  // namespace valley
