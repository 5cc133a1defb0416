#pragma once

#include <optional>
#include <string>
#include <vector>

#include "valley/comm/rendezvous.h"
#include "valley/train/run_config.h"

namespace valley::app {

/// --resume auto: the whole command, whose folder is gone on with if it can be.
inline constexpr const char* kAuto = "auto";

/// What `valley train` is asked for, once the flags are known to make sense.
struct TrainRequest {
  RunConfig config;     ///< config.out is "" where the run shall get a name
  std::string resume;   ///< a folder, kAuto, or ""
  bool extend = false;  ///< the run in that folder, by what config has changed
  bool quiet = false;
  bool json = false;
  std::optional<WorkerEnvironment> environment;  ///< of one worker of several
  std::vector<std::string> notes;                ///< for a person: what became of the settings
};

}  // namespace valley::app
