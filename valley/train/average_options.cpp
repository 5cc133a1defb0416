#include "valley/train/average_options.h"

#include <fmt/format.h>

#include <optional>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {

AverageSpec parse_average(std::string_view text) {
  constexpr Key kKey = {"average"};
  if (text == "plain") return {};
  if (text.starts_with("ema:")) {
    const auto beta = parse_number<double>(text.substr(4));
    require(beta && *beta >= 0 && *beta < 1, "{} ema:BETA needs a BETA in [0, 1), got '{}'", kKey,
            text);
    return {.kind = AverageKind::kEma, .beta = *beta};
  }
  require(text.starts_with("last:"), "{} must be plain, ema:BETA or last:K, got '{}'", kKey, text);
  const auto count = parse_number<int64_t>(text.substr(5));
  require(count && *count >= 1, "{} last:K needs a K of at least 1, got '{}'", kKey, text);
  return {.kind = AverageKind::kLast, .count = *count};
}

std::string to_string(const AverageSpec& spec) {
  if (spec.kind == AverageKind::kEma) return fmt::format("ema:{}", spec.beta);
  return spec.kind == AverageKind::kLast ? fmt::format("last:{}", spec.count) : "plain";
}

}  // namespace valley
