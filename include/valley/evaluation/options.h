#pragma once

#include <cstdint>

#include "valley/data/attack_options.h"
#include "valley/models/precision.h"

namespace valley {

struct EvaluationOptions {
  int64_t batch_size = 256;
  Precision precision = Precision::kFloat32;
  AttackSpec attack = {};  ///< the scores are those of the worst examples nearby, see attack.h
};

}  // namespace valley
