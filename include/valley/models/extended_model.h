#pragma once

#include <string>
#include <utility>
#include <vector>

#include "valley/models/model.h"

namespace valley {

/// What a network makes of a batch.
struct Outputs {
  at::Tensor logits;                ///< [B, classes], of text [B, T, vocabulary]
  std::vector<NamedTensor> others;  ///< what it returns beside them: the logits of auxiliary heads
};

/// What a model may tell beyond Model, which is all that training needs. A model of your own may be
/// either. state_dict() and forward_all() take both.
class ExtendedModel : public Model {
 public:
  /// forward(), with what else the network returns, which training can weigh (--auxiliary).
  virtual Outputs forward_all(const at::Tensor& input) { return {forward(input), {}}; }

  /// What PyTorch's state_dict of the module holds, under all its names: parameters, then frozen
  /// ones, then buffers. parameters() and buffers() have a tensor with two names (tied weights, a
  /// module that is registered twice) once, under its first.
  virtual std::vector<NamedTensor> state() = 0;
};

/// Of a model that is no ExtendedModel, its logits alone.
Outputs forward_all(Model& model, const at::Tensor& input);

}  // namespace valley
