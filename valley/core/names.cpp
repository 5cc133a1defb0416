#include "valley/core/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "valley/core/error.h"

namespace valley {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view given, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, given.size() / 3) + 1;
  for (const auto& name : known) {
    const size_t distance = edit_distance(given, name);
    if (distance < best_distance && distance < name.size()) {  // some letter is the same
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

size_t choose(std::string_view kind, std::string_view given,
              const std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), given);
  if (found == names.end()) throw UsageError(unknown_name(kind, given, names));
  return static_cast<size_t>(found - names.begin());
}

std::string unknown_name(std::string_view kind, std::string_view given,
                         const std::vector<std::string>& known) {
  const std::string near = nearest_name(given, known);
  return fmt::format("unknown {} '{}'{} known: {}", kind, given,
                     near.empty() ? ";" : fmt::format("; did you mean '{}'?", near),
                     fmt::join(known, ", "));
}

}  // namespace valley
