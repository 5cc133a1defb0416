#include "valley/runs/same_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "valley/core/error.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/train/model_file.h"

namespace valley {

namespace {

std::filesystem::path config_file(const RunConfig& config) {
  return std::filesystem::path(config.out) / RunFolder::kConfig;
}

bool holds_run(const RunConfig& config) { return std::filesystem::exists(config_file(config)); }

void require_no_difference(const RunConfig& config, const std::vector<std::string>& but) {
  const std::string file = config_file(config).string();
  RunConfig there;
  apply_config(read_config(file), file, there);
  const std::string difference = first_difference(there, config, but);
  require(difference.empty(), "{} holds a run with {}; choose another {}", config.out, difference,
          Key{"out"});
  require_same_model_file(config);
}

}  // namespace

std::string first_difference(const RunConfig& recorded, const RunConfig& given,
                             const std::vector<std::string>& but) {
  RunConfig there = with_absolute_paths(resolved(recorded)),
            config = with_absolute_paths(resolved(given));
  const auto settings = settings_of(config), others = settings_of(there);
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    // Of no effect on the outcome; but some runs end or choose at an evaluation.
    const bool chooses = config.until_loss > 0 || config.patience > 0 || config.keep == Keep::kBest;
    const bool matters = setting.key == "evaluate-every" && chooses;
    if ((setting.group == "Run" && !matters) || setting.key == "timeout") continue;
    if (setting.has(kUnrecorded)) continue;
    if (std::find(but.begin(), but.end(), setting.key) != but.end()) continue;
    if (others[i].get() != setting.get()) {
      return fmt::format("{} = {}, not {}", setting.key, plain_text(others[i].get()),
                         plain_text(setting.get()));
    }
  }
  return "";
}

void require_same_settings(const RunConfig& config) {
  if (holds_run(config)) require_no_difference(config, {});
}

Start find_start(const RunConfig& config) {
  if (!holds_run(config)) return Start::kNew;
  require_no_difference(config, {"workers", "launch", "backend", "threads"});
  const RunState state = run_state(RunFolder::open(config.out));
  if (state.kind == RunState::Kind::kDiverged) {
    throw Diverged(fmt::format("{} has diverged already: {}", config.out, state.reason));
  }
  return state.finished() ? Start::kFinished : Start::kResumed;
}

}  // namespace valley
