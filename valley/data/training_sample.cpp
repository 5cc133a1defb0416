#include "valley/data/training_sample.h"

#include <algorithm>
#include <vector>

#include "valley/core/error.h"
#include "valley/data/subset.h"

namespace valley {

TrainingSample draw_training_sample(const std::shared_ptr<const Dataset>& train, int64_t count,
                                    uint64_t seed, const PartitionSpec& spec, int workers,
                                    const std::string& flag) {
  const bool all = count == 0 || count >= train->size();
  require(all || count >= workers, "{} {} are fewer than the {} workers", flag, count, workers);
  TrainingSample sample{.data = train, .partition = {}};
  std::vector<int64_t> place(static_cast<size_t>(train->size()), -1);  // in the sample
  if (all) {
    for (int64_t i = 0; i < train->size(); ++i) place[static_cast<size_t>(i)] = i;
  } else {
    const at::Tensor chosen = stratified_indices(*train, count, seed);
    sample.data = subset_of(*train, chosen);
    const int64_t* index = chosen.data_ptr<int64_t>();
    for (int64_t i = 0; i < count; ++i) place[static_cast<size_t>(index[i])] = i;
  }
  if (spec.kind == PartitionKind::kIid) return sample;
  for (const auto& part :
       make_partition(train->targets, train->classes, workers, spec, train->origins)) {
    std::vector<int64_t> own;
    for (const int64_t i : part) {
      if (const int64_t at = place[static_cast<size_t>(i)]; at >= 0) own.push_back(at);
    }
    require(!own.empty(), "none of the {} examples is of worker {}; give more {}",
            sample.data->size(), sample.partition.size(), flag);
    sample.partition.push_back(std::move(own));
  }
  return sample;
}

}  // namespace valley
