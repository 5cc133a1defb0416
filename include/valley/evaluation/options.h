#pragma once

#include <cstdint>

#include "valley/models/precision.h"

namespace valley {

struct EvaluationOptions {
  int64_t batch_size = 256;
  Precision precision = Precision::kFloat32;
};

}  // namespace valley
