#include <utility>

#include "valley/algorithms/personal.h"

namespace valley {

AlgorithmContext context_of_part(AlgorithmContext context, const SharedPart& shared) {
  std::vector<LayerRange> layers;
  int64_t place = 0;
  for (size_t i = 0; i < context.layers.size(); ++i) {
    if (!shared.of()[i]) continue;
    LayerRange layer = context.layers[i];
    layer.offset = std::exchange(place, place + layer.size);
    layers.push_back(layer);
  }
  context.layers = std::move(layers);
  if (auto norms = std::move(context.layer_gradient_norms)) {
    context.layer_gradient_norms = [norms = std::move(norms), of = shared.of()] {
      const std::vector<double> all = norms();
      std::vector<double> kept;
      for (size_t i = 0; i < all.size(); ++i)
        if (of[i]) kept.push_back(all[i]);
      return kept;
    };
  }
  return context;
}

}  // namespace valley
