#include "valley/models/extended_model.h"

namespace valley {

Outputs forward_all(Model& model, const at::Tensor& input) {
  if (auto* extended = dynamic_cast<ExtendedModel*>(&model)) return extended->forward_all(input);
  return {model.forward(input), {}};
}

}  // namespace valley
