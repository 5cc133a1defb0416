#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace valley {

/// "unknown algorithm 'dpff'; did you mean 'dppf'? known: ssgd, local-sgd, dppf"
/// The nearest name is offered only when it is near (a third of the letters, at least 2).
std::string unknown_name(std::string_view kind, std::string_view given,
                         const std::vector<std::string>& known);

/// Which of `names` was given. @throws UsageError with unknown_name's line.
size_t choose(std::string_view kind, std::string_view given, const std::vector<std::string>& names);

/// The nearest of `known` by edit distance, or "" when none is near.
std::string nearest_name(std::string_view given, const std::vector<std::string>& known);

}  // namespace valley
