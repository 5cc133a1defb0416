#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "valley/core/settings.h"

/// What can be chosen about the loss of classification, known without LibTorch.
namespace valley {

/// How much an example of each class counts.
struct ClassWeights {
  std::vector<double> values = {};  ///< one a class, or none: all alike
  bool balanced = false;            ///< in place of values: those of a training set's counts

  auto operator<=>(const ClassWeights&) const = default;
};

/// "1,2.5,1": a weight a class, each at least 0 and one above; or "balanced". Empty: no weights.
/// @throws UsageError
ClassWeights parse_class_weights(std::string_view text);
std::string class_weights_text(const ClassWeights& weights);
inline constexpr Parsed<ClassWeights> kClassWeights = {&parse_class_weights, &class_weights_text};

struct ClassificationOptions {
  double label_smoothing = 0;       ///< in [0, 1)
  ClassWeights class_weights = {};  ///< balanced ones are to be settled, see balanced_by()

  auto operator<=>(const ClassificationOptions&) const = default;
};

template <typename V>
void visit(ClassificationOptions& o, V& v) {
  v("label-smoothing", o.label_smoothing, in(0, 1).open_above(),
    "of classification: the share of the target that is spread over all classes", kYounger);
  v("class-weights", o.class_weights, kClassWeights,
    "of classification: how much an example of each class counts, as 1,2.5,1, or balanced: all "
    "classes alike, whatever their examples; empty: all examples alike",
    kYounger);
}

}  // namespace valley
