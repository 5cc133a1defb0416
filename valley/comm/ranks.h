#pragma once

#include <optional>
#include <string>
#include <vector>

#include "valley/comm/call.h"

namespace valley {

/// 0, 1, ..., size - 1.
std::vector<int> everyone(int size);

/// "rank 1", "ranks 1, 3".
std::string name_ranks(const std::vector<int>& ranks);

/// "rank 0 sends 5 float values to rank 1 in exchange 7, rank 1 expects nothing", or nothing if
/// the two descriptions are equal.
std::optional<std::string> unmatched_pair(const Call& call, int from, int to,
                                          const std::string& sent, const std::string& expected);

}  // namespace valley
