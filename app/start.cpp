#include "app/start.h"

#include <filesystem>

#include "app/run.h"
#include "valley/core/error.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/train/model_file.h"

namespace valley::app {

namespace fs = std::filesystem;

Start find_start(const RunConfig& config) {
  const std::string file = (fs::path(config.out) / RunFolder::kConfig).string();
  if (!fs::exists(file)) return Start::kNew;
  RunConfig there;
  apply_config(read_config(file), file, there);
  const std::string difference =
      first_difference(there, config, {"workers", "launch", "backend", "threads"});
  require(difference.empty(), "{} holds a run with {}; choose another --out", config.out,
          difference);
  require_same_model_file(config);
  const RunState state = run_state(RunFolder::open(config.out));
  if (state.kind == RunState::Kind::kDiverged) {
    throw Diverged(fmt::format("{} has diverged already: {}", config.out, state.reason));
  }
  return state.finished() ? Start::kFinished : Start::kResumed;
}

}  // namespace valley::app
