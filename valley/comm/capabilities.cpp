#include "valley/comm/capabilities.h"

#include <algorithm>
#include <cctype>

namespace valley {
namespace {

template <typename Item, typename Describe>
std::string alternatives(const std::vector<Item>& items, const Describe& describe) {
  std::string text;
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 < items.size() ? ", " : " or ";
    text += describe(items[i]);
  }
  return text;
}

template <typename Item>
bool contains(const std::vector<Item>& items, Item item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

}  // namespace

bool Capabilities::takes(c10::DeviceType device) const { return contains(devices, device); }

bool Capabilities::adds_up(c10::ScalarType dtype) const { return contains(sums, dtype); }

std::string describe_dtype(c10::ScalarType dtype) {
  std::string text = c10::toString(dtype);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string describe_dtypes(const std::vector<c10::ScalarType>& dtypes) {
  return alternatives(dtypes, describe_dtype);
}

std::string describe_devices(const std::vector<c10::DeviceType>& devices) {
  return alternatives(devices, [](c10::DeviceType device) {
    return c10::DeviceTypeName(device, /*lower_case=*/true);
  });
}

}  // namespace valley
