#include "valley/study/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "valley/core/error.h"
#include "valley/instruments/examples.h"
#include "valley/record/run_folder.h"
#include "valley/runs/same_settings.h"
#include "valley/study/ranking.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> keys_of(const std::vector<ConfigAxis>& axes) {
  std::vector<std::string> keys;
  for (const ConfigAxis& axis : axes) keys.push_back(axis.key);
  return keys;
}

// A folder holds one study: other values of its axes may be asked for, but not another question.
void require_same_study(const Study& study) {
  const fs::path out = study.out;
  require(!fs::exists(out / RunFolder::kConfig), "{} {} is a run; choose another folder",
          Key{"out"}, study.out);
  if (!fs::exists(out / kStudyRecipe)) return;
  const std::string file = (out / kStudyRecipe).string();
  const ConfigGrid there = read_config_grid(file, "sharpness");
  const auto before = keys_of(there.grid), now = keys_of(study.axes);
  require(before == now, "{} {} holds a study over {}, not {}; choose another folder", Key{"out"},
          study.out, fmt::join(before, ", "), fmt::join(now, ", "));
  RunConfig shared;
  apply_config(there.shared, file, shared);
  const std::string difference = first_difference(shared, study.shared, now);
  require(difference.empty(), "{} {} holds a study with {}; choose another folder", Key{"out"},
          study.out, difference);
}

}  // namespace

std::vector<NamedRun> named_runs(const Study& study) {
  std::vector<NamedRun> runs;
  for (const GridRun& run : study.runs) runs.push_back({run.name, run.config});
  return runs;
}

Study read_study(const std::string& recipe, const std::string& source, const std::string& out,
                 int threads) {
  Study study;
  study.recipe = recipe;
  study.out = out;
  const ConfigGrid read = parse_config_grid(recipe, source, "sharpness");
  apply_config(read.shared, source, study.shared);
  require(study.shared.launch == Launch::kThreads,
          "{}: valley study trains with launch = \"threads\"", source);
  require(study.shared.out.empty(), "{}: 'out' is for {} to say", source, Key{"out"});
  for (const auto& [key, value] : read.shared) {
    for (const ConfigAxis& axis : read.grid) {
      require(axis.key != key, "{}: '{}' stands outside of [grid] and in it", source, key);
    }
  }
  study.axes = read.grid;
  study.runs = expand_grid(study.shared, read.grid, source);
  require(study.runs.size() >= kFewestRanked, "{}: a grid of {} runs is too small to rank, give {}",
          source, study.runs.size(), kFewestRanked);
  study.request = sharpness_request(sharpness_options_of(read.others, source), threads);
  for (GridRun& run : study.runs) {
    run.config.out = (fs::path(study.out) / run.name).string();
    require_same_settings(run.config);
  }
  require_same_study(study);
  return study;
}

}  // namespace valley
