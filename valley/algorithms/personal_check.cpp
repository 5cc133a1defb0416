#include "valley/algorithms/personal_check.h"

#include "valley/algorithms/shared_settings.h"
#include "valley/algorithms/table.h"
#include "valley/core/error.h"

namespace valley {

void check_personal(const std::string& name, const AlgorithmOptions& options,
                    const std::string& personal) {
  if (personal.empty()) return;
  const AlgorithmEntry& entry = find_algorithm(name);
  require(!entry.owns_update, "{} takes the whole step by itself: what is {} would never move",
          name, Key{"personal"});
  AlgorithmOptions given = entry.or_defaults(options);
  for (const Setting& setting : given.settings()) {
    if (setting.key != "optimizer-state") continue;
    const std::string state = plain_text(setting.get());
    require(state == "local", "{} {} is of all parameters, some of which are {}: {} local",
            Key{"optimizer-state"}, state, Key{"personal"}, Key{"optimizer-state"});
  }
}

}  // namespace valley
