#include "valley/core/patterns.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <string_view>

#include "valley/core/error.h"

namespace valley {

std::vector<bool> parameters_called(const std::string& patterns,
                                    const std::vector<std::string>& names, const Key& key) {
  std::vector<bool> meant(names.size());
  for (std::string_view rest = patterns; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const std::string pattern(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    bool fits = false;
    for (size_t i = 0; i < names.size(); ++i) {
      if (fnmatch(pattern.c_str(), names[i].c_str(), 0) != 0) continue;
      fits = meant[i] = true;
    }
    if (fits) continue;
    constexpr size_t kShown = 8;
    const bool more = names.size() > kShown;
    std::vector<std::string> shown = names;
    shown.resize(std::min(names.size(), kShown));
    throw UsageError(fmt::format("{}: no parameter is called '{}'; there are {}{}", key, pattern,
                                 fmt::join(shown, ", "), more ? ", ..." : ""));
  }
  return meant;
}

}  // namespace valley
