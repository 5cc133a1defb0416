#include "valley/instruments/examples.h"

#include "valley/data/subset.h"

namespace valley {

std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           int64_t samples, int64_t seed) {
  const bool all = samples == 0 || samples >= data->size();
  return all ? data : stratified_subset(*data, samples, static_cast<uint64_t>(seed));
}

}  // namespace valley
