#include "valley/task/classification_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {

std::vector<double> parse_class_weights(std::string_view text) {
  constexpr Key kKey = {"class-weights"};
  std::vector<double> weights;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const auto weight = parse_number<double>(rest.substr(0, comma));
    require(weight && *weight >= 0 && std::isfinite(*weight),
            "{} must be numbers of at least 0 with commas between them, got '{}'", kKey, text);
    weights.push_back(*weight);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  require(weights.empty() || *std::max_element(weights.begin(), weights.end()) > 0,
          "{}: one weight must be above 0, got '{}'", kKey, text);
  return weights;
}

std::string class_weights_text(const std::vector<double>& weights) {
  return fmt::format("{}", fmt::join(weights, ","));
}

}  // namespace valley
