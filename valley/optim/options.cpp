#include "valley/optim/options.h"

#include "valley/core/error.h"

namespace valley {

void check(const OptimizerOptions& o) {
  check_ranges(o);
  if (o.kind == OptimizerKind::kAdamW) {
    require(0 <= o.beta1 && o.beta1 < 1, "the beta1 of adamw must be in [0, 1), got {}", o.beta1);
    require(0 <= o.beta2 && o.beta2 < 1, "the beta2 of adamw must be in [0, 1), got {}", o.beta2);
    return;
  }
  require(!o.nesterov || o.momentum_in_force() > 0, "{} needs {} above 0", Key{"nesterov"},
          Key{"momentum"});
}

}  // namespace valley
