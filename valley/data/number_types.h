#pragma once

#include <ATen/core/Tensor.h>

#include <stdexcept>
#include <utility>

namespace valley {

/// Calls body(const T* values) with the values of a contiguous tensor of any type that inputs may
/// have. @throws std::logic_error for another.
template <typename Body>
decltype(auto) with_values(const at::Tensor& tensor, Body&& body) {
  switch (tensor.scalar_type()) {
    case at::kByte:
      return std::forward<Body>(body)(tensor.data_ptr<uint8_t>());
    case at::kChar:
      return std::forward<Body>(body)(tensor.data_ptr<int8_t>());
    case at::kShort:
      return std::forward<Body>(body)(tensor.data_ptr<int16_t>());
    case at::kInt:
      return std::forward<Body>(body)(tensor.data_ptr<int32_t>());
    case at::kLong:
      return std::forward<Body>(body)(tensor.data_ptr<int64_t>());
    case at::kHalf:
      return std::forward<Body>(body)(tensor.data_ptr<at::Half>());
    case at::kFloat:
      return std::forward<Body>(body)(tensor.data_ptr<float>());
    case at::kDouble:
      return std::forward<Body>(body)(tensor.data_ptr<double>());
    default:
      throw std::logic_error("inputs of an unexpected type");
  }
}

}  // namespace valley
