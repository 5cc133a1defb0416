#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "valley/models/named_tensor.h"
#include "valley/optim/options.h"

namespace valley {

/// Where a parameter or buffer lives in its flat vector.
struct NamedRange {
  std::string name;            ///< state_dict name
  int64_t offset = 0;          ///< first element
  int64_t size = 0;            ///< number of elements
  std::vector<int64_t> shape;  ///< the tensor's own shape
};

/// All trainable parameters of a model as ONE contiguous vector x [d], every parameter a view of
/// it; the gradients likewise (g [d]); the floating-point buffers a third one (b).
///
/// So a round is one collective and one fused pass, and torch::optim steps on one tensor. The
/// model keeps working as before: its tensors only moved. Moving them again (module.to(...),
/// set_data) breaks the link.
///
/// Order: state_dict order, but decayed parameters first, so that the two weight-decay groups are
/// contiguous ranges of x.
///
/// Memory: x, g and b replace the tensors' own storage; nothing is held twice.
class FlatParameters {
 public:
  /// Moves trainable parameters and buffers (those of a Model, or any network's own) into flat
  /// storage; buffers that are no floating-point numbers stay where they are.
  /// @throws UsageError if there are no trainable values, or they are neither float32 nor float64.
  explicit FlatParameters(std::vector<NamedTensor> parameters,
                          std::vector<NamedTensor> buffers = {}, DecayRule rule = DecayRule::kAll);

  const at::Tensor& values() const { return values_; }        ///< x [d]
  const at::Tensor& gradients() const { return gradients_; }  ///< g [d]; backward adds into it
  const at::Tensor& buffers() const { return buffers_; }      ///< b, may be empty

  int64_t size() const { return values_.numel(); }   ///< d
  int64_t decayed_size() const { return decayed_; }  ///< [0, this) decays, the rest does not

  const std::vector<NamedRange>& ranges() const { return ranges_; }
  const std::vector<NamedRange>& buffer_ranges() const { return buffer_ranges_; }

  /// The model's parameter tensors, in the order of ranges().
  const std::vector<at::Tensor>& parameters() const { return parameters_; }

  /// Buffers that are no floating-point numbers (num_batches_tracked) and stay where they are.
  const std::vector<NamedTensor>& other_buffers() const { return other_buffers_; }

 private:
  at::Tensor values_, gradients_, buffers_;
  int64_t decayed_ = 0;
  std::vector<NamedRange> ranges_, buffer_ranges_;
  std::vector<at::Tensor> parameters_;
  std::vector<NamedTensor> other_buffers_;
};

/// Lends the model other parameter values: copies `values` in, and the former values (and buffers)
/// back at the end of the scope, also when it is left by an exception. Memory: d + buffers.
class BorrowedValues {
 public:
  BorrowedValues(const FlatParameters& parameters, const at::Tensor& values);
  ~BorrowedValues();
  BorrowedValues(const BorrowedValues&) = delete;
  BorrowedValues& operator=(const BorrowedValues&) = delete;

 private:
  const FlatParameters& parameters_;
  at::Tensor values_, buffers_;
  std::vector<at::Tensor> others_;
};

}  // namespace valley
