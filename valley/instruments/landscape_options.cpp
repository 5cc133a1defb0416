#include "valley/instruments/landscape_options.h"

#include <fmt/format.h>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/instruments/sample.h"

namespace valley {

std::string_view name(PlaneKind plane) {
  switch (plane) {
    case PlaneKind::kAverage:
      break;
    case PlaneKind::kWorkers:
      return "workers";
    case PlaneKind::kSpread:
      return "spread";
    case PlaneKind::kRandom:
      return "random";
  }
  return "average";
}

std::string_view name(Split split) { return split == Split::kTrain ? "train" : "test"; }

Split parse_split(const std::string& text) {
  const size_t place = choose(fmt::format("{}", Key{"split"}), text, {"train", "test"});
  return place == 0 ? Split::kTrain : Split::kTest;
}

void check(const LandscapeOptions& options) {
  require(options.points >= 2, "{} must be at least 2, got {}", Key{"points"}, options.points);
  require(options.points <= 501, "{} must be at most 501, got {}", Key{"points"}, options.points);
  check_sample(options.samples, options.seed);
  const size_t wanted = options.plane == PlaneKind::kAverage   ? 2
                        : options.plane == PlaneKind::kWorkers ? 3
                                                               : 0;
  require(options.through.empty() || options.through.size() == wanted,
          "{}: {} {} takes {} workers, got {}", Key{"through"}, Key{"plane"}, name(options.plane),
          wanted == 0 ? "no" : std::to_string(wanted), options.through.size());
}

}  // namespace valley
