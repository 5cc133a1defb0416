#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "valley/models/named_tensor.h"

namespace valley {

/// What training needs to know of a network, whoever wrote it: a registry model, your own
/// torch::nn module (wrap.h), or a TorchScript file (scripted.h). A model knows nothing of workers,
/// data or training.
class Model {
 public:
  virtual ~Model() = default;

  /// Logits [B, classes] of a float32 batch [B, C, H, W]; of text, an int64 batch [B, T], those of
  /// every next token, [B, T, vocabulary].
  virtual at::Tensor forward(const at::Tensor& input) = 0;

  /// Trainable parameters (requires_grad), in state_dict order. The tensors are the model's own:
  /// set_data on them moves the model's storage.
  virtual std::vector<NamedTensor> parameters() = 0;

  /// Everything else a state_dict holds: BatchNorm's running_mean, running_var,
  /// num_batches_tracked; frozen parameters.
  virtual std::vector<NamedTensor> buffers() = 0;

  virtual void train(bool on) = 0;
};

}  // namespace valley
