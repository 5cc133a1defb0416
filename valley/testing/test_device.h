#pragma once

#include <ATen/core/Tensor.h>

#include <cstdlib>

namespace valley {

/// Where tests that do not care compute: on the CPU, or as VALLEY_TEST_DEVICE says ("cuda:0").
inline at::Device test_device() {
  const char* name = std::getenv("VALLEY_TEST_DEVICE");
  return name == nullptr ? at::Device(at::kCPU) : at::Device(name);
}

}  // namespace valley
