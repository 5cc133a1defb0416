#include "valley/algorithms/options.h"

#include <algorithm>

#include "valley/algorithms/option_text.h"

namespace valley {

std::vector<std::string> AlgorithmOptions::keys() const {
  std::vector<std::string> result;
  for (const Setting& setting : AlgorithmOptions(*this).settings()) result.push_back(setting.key);
  return result;
}

bool AlgorithmOptions::has(const std::string& key) const {
  const auto all = keys();
  return std::find(all.begin(), all.end(), key) != all.end();
}

std::string option_text(AlgorithmOptions options, std::string_view key) {
  for (const Setting& setting : options.settings())
    if (setting.key == key) return plain_text(setting.get());
  return "";
}

}  // namespace valley
