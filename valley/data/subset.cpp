#include "valley/data/subset.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <vector>

#include "valley/core/random.h"
#include "valley/core/shuffle.h"

namespace valley {

at::Tensor stratified_indices(const Dataset& data, int64_t count, uint64_t seed) {
  const bool labelled = has_classes(data.targets);
  const int64_t* targets = labelled ? data.targets.data_ptr<int64_t>() : nullptr;
  std::vector<std::vector<int64_t>> of_class(labelled ? data.classes : 1);
  for (int64_t i = 0; i < data.size(); ++i) of_class[labelled ? targets[i] : 0].push_back(i);

  Random random(seed);
  for (auto& members : of_class) shuffle(members, random);
  // Of classes of one size chance says which have one more.
  shuffle(of_class, random);

  struct Place {
    int64_t example, half_steps, of;  // at half_steps / (2 of)
  };
  std::vector<Place> places;
  places.reserve(data.size());
  for (const auto& members : of_class) {
    const auto size = static_cast<int64_t>(members.size());
    for (int64_t j = 0; j < size; ++j) places.push_back({members[j], 2 * j + 1, size});
  }
  std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.half_steps * b.of < b.half_steps * a.of;
  });

  std::vector<int64_t> chosen;
  chosen.reserve(count);
  for (int64_t k = 0; k < count; ++k) chosen.push_back(places[k].example);
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

std::shared_ptr<const Dataset> stratified_subset(const Dataset& data, int64_t count,
                                                 uint64_t seed) {
  return subset_of(data, stratified_indices(data, count, seed));
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
    const at::Tensor chosen = stratified_indices(data, count, seed);
    const at::Tensor others = at::ones({data.size()}, at::kBool).index_fill(0, chosen, 0);
    left = std::make_shared<Dataset>(*subset_of(data, others.nonzero().squeeze(1)));
    left->validation = subset_of(data, chosen);
  }
  return left;
}

}  // namespace valley
