#pragma once

#include <string>

#include "valley/train/run_config.h"

namespace valley::app {

/// What `valley data` is asked for: of `config` the data, the task, the partition and the workers.
struct DataRequest {
  RunConfig config;
  std::string sheet;  ///< PNG file of examples; "": none
  bool json = false;
};

}  // namespace valley::app
