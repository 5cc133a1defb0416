#pragma once

#include <functional>
#include <string>

namespace valley {

/// Who is told when workers wait long for others: one of those that wait, once in an operation.
struct StallWatch {
  double seconds = 10;  ///< of a wait, until somebody is told
  /// A line for the person: "waiting for rank 2 in all_reduce 213, for 10 s now". From any worker's
  /// thread.
  std::function<void(const std::string&)> tell = {};
};

}  // namespace valley
