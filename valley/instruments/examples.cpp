#include "valley/instruments/examples.h"

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/data/subset.h"

namespace valley {

std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           int64_t samples, int64_t seed) {
  const bool all = samples == 0 || samples >= data->size();
  return all ? data : balanced_subset(*data, samples, static_cast<uint64_t>(seed));
}

void check_sample(int64_t samples, int64_t seed) {
  require(samples >= 0, "{} must be at least 0, got {}", Key{"samples"}, samples);
  require(seed >= 0, "{} must be at least 0, got {}", Key{"seed"}, seed);
}

std::string_view name(BatchNormAt at) { return at == BatchNormAt::kModel ? "average" : "probe"; }

BatchNormAt parse_batch_norm(const std::string& text) {
  const size_t place = choose(fmt::format("{}", Key{"batch-norm"}), text, {"average", "probe"});
  return place == 0 ? BatchNormAt::kModel : BatchNormAt::kProbe;
}

}  // namespace valley
