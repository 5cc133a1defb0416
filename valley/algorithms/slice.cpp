#include "valley/algorithms/slice.h"

#include <fmt/format.h>

#include <algorithm>

namespace valley {

at::Tensor Slice::of(const at::Tensor& x) const {
  return count == 1 ? x : x.narrow(0, begin(x.numel()), end(x.numel()) - begin(x.numel()));
}

AlgorithmContext Slice::of(AlgorithmContext context, int64_t d) const {
  for (LayerRange& layer : context.layers) {
    const int64_t from = std::clamp(layer.offset, begin(d), end(d));
    const int64_t to = std::clamp(layer.offset + layer.size, begin(d), end(d));
    layer = {from - begin(d), to - from};
  }
  context.seed += static_cast<uint64_t>(index);
  return context;
}

std::string Slice::prefix() const { return count == 1 ? "" : fmt::format("fragment-{}.", index); }

void Slice::append(const AlgorithmState& own, AlgorithmState& all) const {
  append_under(prefix(), own, all);
}

AlgorithmState Slice::entries(const AlgorithmState& all) const {
  return entries_under(prefix(), all);
}

}  // namespace valley
