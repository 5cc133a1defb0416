#pragma once

#include <cstdint>

namespace valley {

struct EvaluationOptions {
  int64_t batch_size = 256;
};

}  // namespace valley
