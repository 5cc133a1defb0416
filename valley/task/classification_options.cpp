#include "valley/task/classification_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {

ClassWeights parse_class_weights(std::string_view text) {
  constexpr Key kKey = {"class-weights"};
  if (text == "balanced") return {.balanced = true};
  std::vector<double> weights;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const auto weight = parse_number<double>(rest.substr(0, comma));
    require(weight && *weight >= 0 && std::isfinite(*weight),
            "{} must be numbers of at least 0 with commas between them, or balanced, got '{}'",
            kKey, text);
    weights.push_back(*weight);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  require(weights.empty() || *std::max_element(weights.begin(), weights.end()) > 0,
          "{}: one weight must be above 0, got '{}'", kKey, text);
  return {.values = std::move(weights)};
}

std::string class_weights_text(const ClassWeights& weights) {
  return weights.balanced ? "balanced" : fmt::format("{}", fmt::join(weights.values, ","));
}

}  // namespace valley
