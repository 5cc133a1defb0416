#include "valley/core/device_name.h"

#include <charconv>

#include "valley/core/error.h"

namespace valley {

DeviceName parse_device_name(std::string_view text) {
  constexpr std::string_view kNumbered = "cuda:";
  if (text == "cpu") return {.kind = DeviceName::kCpu};
  if (text == "auto") return {.kind = DeviceName::kAuto};
  if (text == "cuda") return {.kind = DeviceName::kCuda};
  int number = -1;
  if (text.starts_with(kNumbered)) {
    const std::string_view digits = text.substr(kNumbered.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) number = -1;
  }
  // A c10::DeviceIndex has eight bits.
  require(0 <= number && number < 128, "{} must be cpu, cuda, cuda:N or auto, got '{}'",
          Key{"device"}, text);
  return {.kind = DeviceName::kCuda, .number = number};
}

void check_device_name(const std::string& text) { parse_device_name(text); }

}  // namespace valley
