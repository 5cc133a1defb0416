#pragma once

#include "valley/analysis/registry.h"

/// The rows of the registry that need products with the Hessian.
namespace valley {

Measurement measure_lambda_max(Minimum& minimum);
Measurement measure_trace(Minimum& minimum);
Measurement measure_frobenius(Minimum& minimum);
Measurement measure_fisher_rao(Minimum& minimum);
Measurement measure_spectrum(Minimum& minimum);

}  // namespace valley
