#include "valley/data/options.h"

#include <fmt/format.h>

#include <cmath>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr Key kPartitionKey = {"partition"};

}  // namespace

PartitionSpec parse_partition(std::string_view text) {
  const size_t colon = text.find(':');
  const bool has_value = colon != text.npos;
  const std::string name(text.substr(0, colon));
  const std::string value(has_value ? text.substr(colon + 1) : "");
  PartitionSpec spec;
  if (name == "iid") {
    require(!has_value, "{} iid takes no value, got '{}'", kPartitionKey, value);
  } else if (name == "dirichlet") {
    spec.kind = PartitionKind::kDirichlet;
    const auto alpha = parse_number<double>(value);
    require(alpha && *alpha > 0 && std::isfinite(*alpha),
            "{} dirichlet:ALPHA needs a number ALPHA above 0, got '{}'", kPartitionKey, value);
    spec.alpha = *alpha;
  } else if (name == "shards") {
    spec.kind = PartitionKind::kShards;
    const auto shards = parse_number<int64_t>(value);
    require(shards && *shards >= 1, "{} shards:K needs a whole number K of at least 1, got '{}'",
            kPartitionKey, value);
    spec.shards = *shards;
  } else if (name == "origin") {
    require(!has_value, "{} origin takes no value, got '{}'", kPartitionKey, value);
    spec.kind = PartitionKind::kOrigin;
  } else {
    throw UsageError(unknown_name("partition", name, {"iid", "dirichlet", "shards", "origin"}));
  }
  return spec;
}

std::string to_string(const PartitionSpec& spec) {
  switch (spec.kind) {
    case PartitionKind::kDirichlet:
      return fmt::format("dirichlet:{}", spec.alpha);
    case PartitionKind::kShards:
      return fmt::format("shards:{}", spec.shards);
    case PartitionKind::kOrigin:
      return "origin";
    case PartitionKind::kIid:
      break;
  }
  return "iid";
}

}  // namespace valley
