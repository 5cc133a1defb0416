#pragma once

#include <string>
#include <string_view>

namespace valley {

/// Which BatchNorm statistics a loss is taken with.
enum class BatchNormAt {
  kModel,  ///< the statistics that the model was made with, at every point
  kProbe,  ///< re-estimated at every point where the loss is asked for: one more pass
};

/// "average" (the statistics of the average model) or "probe" (re-estimated at every point).
std::string_view name(BatchNormAt at);

/// The inverse. @throws UsageError
BatchNormAt parse_batch_norm(const std::string& text);

}  // namespace valley
