#include "valley/train/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr size_t kMostRuns = 10'000;  // each is a whole configuration
constexpr const char* kFixed[] = {"out", "launch", "backend", "timeout", "threads"};

// A value as part of a folder's name.
std::string as_name(const ConfigValue& value) {
  std::string text = plain_text(value);
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

// f(); what it refuses is said of this run of the grid, unless it names the file itself.
template <typename F>
void naming(const std::string& source, const std::string& run, const F& f) {
  try {
    f();
  } catch (const UsageError& error) {
    if (error.marked().starts_with(source + ": ")) throw;
    throw UsageError(fmt::format("{}: {}: {}", source, run, error.marked()));
  }
}

}  // namespace

std::vector<GridRun> expand_grid(const RunConfig& shared, const std::vector<ConfigAxis>& axes,
                                 const std::string& source) {
  size_t count = 1;
  for (const ConfigAxis& axis : axes) {
    count *= axis.values.size();
    require(count <= kMostRuns, "{}: [grid] has more than {} runs", source, kMostRuns);
  }
  std::vector<GridRun> runs = {{.name = "", .place = {}, .config = shared}};
  for (const ConfigAxis& axis : axes) {
    require(std::find(std::begin(kFixed), std::end(kFixed), axis.key) == std::end(kFixed),
            "{}: [grid] '{}' cannot vary", source, axis.key);
    std::vector<GridRun> more;
    for (const GridRun& run : runs) {
      for (size_t i = 0; i < axis.values.size(); ++i) {
        GridRun next = run;
        next.name +=
            fmt::format("{}{}={}", run.name.empty() ? "" : ",", axis.key, as_name(axis.values[i]));
        naming(source, next.name, [&] {
          apply_config({{axis.key, axis.values[i]}}, source, next.config);
        });
        next.place.push_back(static_cast<int64_t>(i));
        more.push_back(std::move(next));
      }
    }
    runs = std::move(more);
  }
  std::set<std::string> names;
  for (const GridRun& run : runs) {
    require(names.insert(run.name).second, "{}: two runs of the grid would be called {}", source,
            run.name);
    naming(source, run.name, [&] { check(run.config); });
  }
  return runs;
}

}  // namespace valley
