#include "valley/optim/flat_parameters.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "valley/core/error.h"
#include "valley/models/dtype.h"

namespace valley {
namespace {

// Copies `tensor` to [offset, offset + size) of `flat` and makes it a view of that part.
NamedRange move_in(const NamedTensor& named, const at::Tensor& flat, int64_t offset) {
  at::Tensor tensor = named.tensor;
  NamedRange range{named.name, offset, tensor.numel(), tensor.sizes().vec()};
  const at::Tensor view = flat.narrow(0, offset, range.size).view(range.shape);
  view.copy_(tensor);
  tensor.set_data(view);
  return range;
}

int64_t total_size(const std::vector<NamedTensor>& tensors) {
  int64_t total = 0;
  for (const auto& named : tensors) total += named.tensor.numel();
  return total;
}

}  // namespace

FlatParameters::FlatParameters(std::vector<NamedTensor> parameters,
                               std::vector<NamedTensor> buffers, DecayRule rule) {
  const c10::NoGradGuard no_grad;
  require(!parameters.empty(), "the model has no trainable parameters");
  const auto decays = [&](const NamedTensor& p) {
    return rule == DecayRule::kAll || p.tensor.dim() >= 2;
  };
  const auto border = std::stable_partition(parameters.begin(), parameters.end(), decays);
  decayed_ = total_size({parameters.begin(), border});

  const auto options = parameters.front().tensor.options().requires_grad(false);
  const at::ScalarType type = parameters.front().tensor.scalar_type();
  for (const auto& p : parameters) {
    require(p.tensor.scalar_type() == type,
            "all parameters must be of one type; {} is {} and {} is {}", parameters.front().name,
            dtype_name(type), p.name, dtype_name(p.tensor.scalar_type()));
  }
  require(type == at::kFloat || type == at::kDouble,
          "parameters must be float32, or float64 all of them; {} is {}", parameters.front().name,
          dtype_name(type));
  const int64_t d = total_size(parameters);
  require(d > 0, "the model's trainable parameters hold no values, {} is {}",
          parameters.front().name, parameters.front().tensor.sizes().vec());
  values_ = at::empty({d}, options);
  gradients_ = at::zeros({d}, options);

  int64_t offset = 0;
  for (const auto& p : parameters) {
    ranges_.push_back(move_in(p, values_, offset));
    at::Tensor tensor = p.tensor;
    tensor.mutable_grad() = gradients_.narrow(0, offset, tensor.numel()).view(tensor.sizes());
    parameters_.push_back(tensor);
    offset += tensor.numel();
  }

  std::vector<NamedTensor> floating;
  for (auto& b : buffers) {
    const bool flat = b.tensor.scalar_type() == values_.scalar_type();
    (flat ? floating : other_buffers_).push_back(std::move(b));
  }
  buffers_ = at::empty({total_size(floating)}, options);
  offset = 0;
  for (const auto& b : floating) {
    buffer_ranges_.push_back(move_in(b, buffers_, offset));
    offset += b.tensor.numel();
  }
}

BorrowedValues::BorrowedValues(const FlatParameters& parameters, const at::Tensor& values)
    : parameters_(parameters),
      values_(parameters.values().clone()),
      buffers_(parameters.buffers().clone()) {
  for (const auto& other : parameters.other_buffers()) others_.push_back(other.tensor.clone());
  at::Tensor(parameters.values()).copy_(values);
}

BorrowedValues::~BorrowedValues() {
  at::Tensor(parameters_.values()).copy_(values_);
  at::Tensor(parameters_.buffers()).copy_(buffers_);
  for (size_t i = 0; i < others_.size(); ++i) {
    at::Tensor(parameters_.other_buffers()[i].tensor).copy_(others_[i]);
  }
}

}  // namespace valley
