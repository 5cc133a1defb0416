#pragma once

#include <string>
#include <vector>

#include "valley/instruments/sharpness.h"
#include "valley/record/config_file.h"
#include "valley/runs/train_run.h"
#include "valley/study/sharpness_table.h"
#include "valley/train/grid.h"

/// What a study is of; docs/study.md.
namespace valley {

inline constexpr const char* kStudyRecipe = "recipe.toml";  ///< in the folder of a study

/// What a recipe says, once it is known to make sense.
struct Study {
  std::string recipe;  ///< the file's text
  std::string out;     ///< folder
  RunConfig shared;
  std::vector<ConfigAxis> axes;
  std::vector<GridRun> runs;
  SharpnessRequest request;
};

/// A TOML text: the settings that all runs share, [grid] and [sharpness]. `source` is the file's
/// name in errors; `threads` share the batches of a measure, 0: one a core.
/// @throws UsageError if something of it makes no sense, or if `out` holds something else.
Study read_study(const std::string& recipe, const std::string& source, const std::string& out,
                 int threads = 0);

/// Its runs, for require_trainable().
std::vector<NamedRun> named_runs(const Study& study);

}  // namespace valley
