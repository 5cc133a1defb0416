#include "valley/data/subset.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>

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
  if (data.origins.defined()) part->origins = data.origins.index_select(0, indices);
  return part;
}

std::shared_ptr<const Dataset> balanced_subset(const Dataset& data, int64_t count, uint64_t seed) {
  return subset_of(data, balanced_indices(data, count, seed));
}

std::shared_ptr<const Dataset> with_validation(const Dataset& data, int64_t count, uint64_t seed) {
  const int64_t rest = data.size() - count;
  std::shared_ptr<Dataset> left;
  if (data.is_text()) {
    const auto stretch = [&](int64_t begin, int64_t size) {
      auto part = std::make_shared<Dataset>(data);
      part->inputs = data.inputs.narrow(0, begin, size);
      part->targets = data.targets.narrow(0, begin, size);
      return part;
    };
    left = stretch(0, rest);
    left->validation = stretch(rest, count);
  } else {
    const at::Tensor chosen = balanced_indices(data, count, seed);
    const at::Tensor others = at::ones({data.size()}, at::kBool).index_fill(0, chosen, 0);
    left = std::make_shared<Dataset>(*subset_of(data, others.nonzero().squeeze(1)));
    left->validation = subset_of(data, chosen);
  }
  return left;
}

}  // namespace valley
