// What the rows of the table say of their settings, each key once.
#include <algorithm>

#include "valley/algorithms/table.h"

namespace valley {
namespace {

constexpr const char* kFirstKeys[] = {
    "period",       "pull",           "push",           "push-schedule",
    "push-variant", "push-relative",  "bucket-bytes",   "moving-rate",
    "leader-pull",  "outer-lr",       "outer-momentum", "topology",
    "mixing",       "lazy",           "quasi-momentum", "tracking-momentum",
    "compress",     "consensus-step", "replicas",       "noise"};

std::vector<MethodSetting> collect_method_settings() {
  std::vector<MethodSetting> result;
  for (const char* key : kFirstKeys) result.push_back({.key = key});
  for (const AlgorithmEntry& entry : algorithms()) {
    AlgorithmOptions options = entry.defaults;
    for (Setting& setting : options.settings()) {
      auto found = std::find_if(result.begin(), result.end(),
                                [&](const MethodSetting& m) { return m.key == setting.key; });
      if (found == result.end()) found = result.insert(found, MethodSetting{.key = setting.key});
      found->help = setting.help;
      found->type = setting.type;
      found->traits = setting.traits;
      found->value = setting.get();
      found->choices = setting.choices;
      found->readers.push_back(&entry);
    }
  }
  return result;
}

}  // namespace

const std::vector<MethodSetting>& method_settings() {
  static const std::vector<MethodSetting> settings = collect_method_settings();
  return settings;
}

MethodValues default_method_values() {
  MethodValues values;
  for (const MethodSetting& setting : method_settings())
    values.emplace_back(setting.key, setting.value);
  return values;
}

}  // namespace valley
