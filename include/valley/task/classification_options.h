#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "valley/core/settings.h"

/// What can be chosen about the loss of classification, known without LibTorch.
namespace valley {

/// "1,2.5,1": a weight a class, each at least 0 and one above. Empty: no weights. @throws
/// UsageError
std::vector<double> parse_class_weights(std::string_view text);
std::string class_weights_text(const std::vector<double>& weights);
inline constexpr Parsed<std::vector<double>> kClassWeights = {&parse_class_weights,
                                                              &class_weights_text};

struct ClassificationOptions {
  double label_smoothing = 0;              ///< in [0, 1)
  std::vector<double> class_weights = {};  ///< one a class, or none

  auto operator<=>(const ClassificationOptions&) const = default;
};

template <typename V>
void visit(ClassificationOptions& o, V& v) {
  v("label-smoothing", o.label_smoothing, in(0, 1).open_above(),
    "of classification: the share of the target that is spread over all classes", kYounger);
  v("class-weights", o.class_weights, kClassWeights,
    "of classification: how much an example of each class counts, as 1,2.5,1; empty: alike",
    kYounger);
}

}  // namespace valley
