#pragma once

#include "valley/analysis/registry.h"

/// The rows of the registry that need the loss or its gradient.
namespace valley {

Measurement measure_mean_valley(Minimum& minimum);
Measurement measure_mean_valley_share(Minimum& minimum);
Measurement measure_mean_valley_random(Minimum& minimum);
Measurement measure_entropy(Minimum& minimum);
Measurement measure_gradient_norm(Minimum& minimum);
Measurement measure_eps_sharpness(Minimum& minimum);
Measurement measure_critical_sharpness(Minimum& minimum);
Measurement measure_sam(Minimum& minimum);
Measurement measure_lpf(Minimum& minimum);
Measurement measure_local_entropy(Minimum& minimum);
Measurement measure_average_direction(Minimum& minimum);
Measurement measure_pac_bayes(Minimum& minimum);
Measurement measure_valley_bound(Minimum& minimum);

}  // namespace valley
