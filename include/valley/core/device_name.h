#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace valley {

/// Where tensors are and are computed with, as a person says it: "cpu", "cuda", "cuda:N" or "auto".
/// What there is of it only LibTorch knows, see models/device.h.
struct DeviceName {
  enum Kind { kCpu, kCuda, kAuto };
  Kind kind = kCpu;
  std::optional<int> number = {};  ///< of kCuda; none: the thread's own
};

/// @throws UsageError for any other text.
DeviceName parse_device_name(std::string_view text);
void check_device_name(const std::string& text);

}  // namespace valley
