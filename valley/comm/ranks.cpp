#include "valley/comm/ranks.h"

#include <fmt/ranges.h>

#include <numeric>

namespace valley {

std::vector<int> everyone(int size) {
  std::vector<int> ranks(static_cast<size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

std::string name_ranks(const std::vector<int>& ranks) {
  return fmt::format("rank{} {}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "));
}

std::optional<std::string> unmatched_pair(const Call& call, int from, int to,
                                          const std::string& sent, const std::string& expected) {
  if (sent == expected) return std::nullopt;
  return fmt::format("rank {} sends {} to rank {} in {}, rank {} expects {}", from, sent, to,
                     label(call), to, expected);
}

}  // namespace valley
