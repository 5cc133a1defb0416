#include "valley/algorithms/options.h"

#include <algorithm>

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

}  // namespace valley
