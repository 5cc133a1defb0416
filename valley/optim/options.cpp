#include "valley/optim/options.h"

#include "valley/core/error.h"

namespace valley {

void check(const OptimizerOptions& o) {
  check_ranges(o);
  if (o.kind == OptimizerKind::kAdamW || o.kind == OptimizerKind::kLamb) return;
  require(!o.nesterov || o.momentum_in_force() > 0, "{} needs {} above 0", Key{"nesterov"},
          Key{"momentum"});
}

}  // namespace valley
