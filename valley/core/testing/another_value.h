#pragma once

#include <string>

#include "valley/core/settings.h"

namespace valley {

/// A value of the setting's type that is not the one it has.
inline SettingValue another_value(const Setting& setting) {
  const SettingValue value = setting.get();
  if (const auto* on = std::get_if<bool>(&value)) return !*on;
  if (const auto* whole = std::get_if<int64_t>(&value)) return *whole + 7;
  if (const auto* number = std::get_if<double>(&value)) return *number + 0.1;
  for (const std::string& choice : setting.choices) {
    if (value != SettingValue(choice)) return choice;
  }
  // The texts that have a form of their own.
  if (setting.key == "partition") return "shards:3";
  if (setting.key == "adversarial") return "fgsm:0.1";
  if (setting.key == "period") return "9";
  if (setting.key == "hierarchy") return "inner:2,outer:4";
  if (setting.key == "average") return "last:3";
  if (setting.key == "class-weights") return "1,2";
  if (setting.key == "lr-milestones") return "0.25,0.5";
  return "other " + setting.key;
}

}  // namespace valley
