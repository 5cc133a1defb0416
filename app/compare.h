#pragma once

#include <string>
#include <vector>

#include "valley/train/run_config.h"

namespace valley::app {

/// What `valley compare` is asked for, once the flags are known to make sense.
struct CompareRequest {
  RunConfig base;   ///< what all runs share
  std::string out;  ///< folder of the comparison

  /// One of --algorithms, and its runs, a seed each.
  struct Entry {
    std::string label;
    std::vector<RunConfig> runs;
  };
  std::vector<Entry> entries;

  bool quiet = false;
  bool json = false;
};

}  // namespace valley::app
