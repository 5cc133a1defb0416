#include "valley/algorithms/streaming.h"

#include "valley/core/error.h"

namespace valley {

void check_streaming(const Streaming& streaming, const PeriodSpec& period) {
  const auto& [delay, fragments] = streaming;
  require(fragments <= period.base, "{} must be at most the {} of {} steps, got {}",
          Key{"fragments"}, Key{"period"}, period.base, fragments);
  if (fragments == 1) {
    require(delay < period.base, "{} must be below the {} of {} steps, got {}", Key{"delay"},
            Key{"period"}, period.base, delay);
  } else {
    require(delay * fragments < period.base,
            "{} must be below {} / {}, which is {} / {} steps, got {}", Key{"delay"}, Key{"period"},
            Key{"fragments"}, period.base, fragments, delay);
  }
}

}  // namespace valley
