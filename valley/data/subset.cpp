#include "valley/data/subset.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <vector>

#include "valley/core/random.h"
#include "valley/core/shuffle.h"

namespace valley {

at::Tensor balanced_indices(const Dataset& data, int64_t count, uint64_t seed) {
  const bool labelled = has_classes(data.targets);
  const int64_t* targets = labelled ? data.targets.data_ptr<int64_t>() : nullptr;
  std::vector<std::vector<int64_t>> of_class(labelled ? data.classes : 1);
  for (int64_t i = 0; i < data.size(); ++i) of_class[labelled ? targets[i] : 0].push_back(i);

  Random random(seed);
  for (auto& members : of_class) shuffle(members, random);
  // Where the count does not divide, chance says which classes have one more.
  shuffle(of_class, random);

  std::vector<int64_t> chosen;
  for (size_t turn = 0; static_cast<int64_t>(chosen.size()) < count; ++turn)
    for (const auto& members : of_class)
      if (turn < members.size() && static_cast<int64_t>(chosen.size()) < count)
        chosen.push_back(members[turn]);
  std::sort(chosen.begin(), chosen.end());

  return at::from_blob(chosen.data(), {count}, at::kLong).clone();
}

std::shared_ptr<const Dataset> subset_of(const Dataset& data, const at::Tensor& indices) {
  auto part = std::make_shared<Dataset>(data);
  part->inputs = data.inputs.index_select(0, indices);
  part->targets = data.targets.index_select(0, indices);
  return part;
}

std::shared_ptr<const Dataset> balanced_subset(const Dataset& data, int64_t count, uint64_t seed) {
  return subset_of(data, balanced_indices(data, count, seed));
}

}  // namespace valley
