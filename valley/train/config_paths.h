#pragma once

#include <string>

namespace valley {

/// A setting's value with "~" in its path expanded (valley/core/home.h): all of `out`, `model` and
/// `init`, what follows the colon of `data` and `topology`. The values of other settings are no
/// paths. `what`
/// ("--out", "run.toml: out =") is named in errors. @throws UsageError as expand_home().
std::string expand_home_in_setting(const std::string& key, const std::string& value,
                                   const std::string& what);

}  // namespace valley
