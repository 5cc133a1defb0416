#pragma once

#include <cstdint>
#include <vector>

namespace valley {

struct RoundBenchOptions {
  std::vector<int64_t> parameters = {1'900'000, 11'000'000};  ///< of the network
  int64_t turns = 20;
};

}  // namespace valley
