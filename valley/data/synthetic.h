#pragma once

#include "valley/data/dataset.h"

namespace valley {

/// Data sets made from the seed alone, float32, for tests and first steps. Classes take turns, so
/// they are balanced; 4096 training and 1024 test examples unless the options say otherwise. Each
/// has mean 0 and stddev 1 in its Dataset: it is fed to the model as it is.

/// Ten prototypes in noise: [N, 1, 28, 28]. A prototype is 7 x 7 blocks of one value each, drawn
/// from N(0, 1/4); an example adds N(0, 1) to every pixel.
DataSplits make_blobs(const DataOptions& options);

/// Two classes that no line separates: [N, 2, 1, 1]. Corners (+-1, +-1) plus N(0, 0.3^2); class 1
/// where the corner's signs differ.
DataSplits make_xor(const DataOptions& options);

/// Two arms of one and a half turns each, wound into each other: [N, 2, 1, 1]. Radius 0.2 to 2,
/// plus N(0, 0.05^2).
DataSplits make_spirals(const DataOptions& options);

/// Twenty prototypes and a common offset, in noise: [N, 32, 1, 1], ten classes of two prototypes
/// each; 4000 training examples unless the options say otherwise.
///
///     x = o + mu_m + N(0, I),    class = m mod 10,    o and the mu_0 ... mu_19 from N(0, I)
DataSplits make_prototypes(const DataOptions& options);

}  // namespace valley
