#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

namespace valley {

/// What a backend can take. Values of every dtype travel; those of `sums` it also adds up.
struct Capabilities {
  std::vector<c10::DeviceType> devices = {c10::DeviceType::CPU};  ///< where tensors may be
  std::vector<c10::ScalarType> sums;                              ///< the dtypes of all_reduce
  bool shares_memory = false;  ///< the workers are threads of one process: share() works

  bool operator==(const Capabilities&) const = default;

  bool takes(c10::DeviceType device) const;
  bool adds_up(c10::ScalarType dtype) const;
};

/// "float or double", "cpu".
std::string describe_dtypes(const std::vector<c10::ScalarType>& dtypes);
std::string describe_devices(const std::vector<c10::DeviceType>& devices);

/// "float".
std::string describe_dtype(c10::ScalarType dtype);

}  // namespace valley
