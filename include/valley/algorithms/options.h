#pragma once

#include <any>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "valley/core/settings.h"

namespace valley {

class Algorithm;
struct AlgorithmContext;

/// The options of one algorithm, whichever it is: a DppfOptions, say. Without a value they stand
/// for the defaults of whatever algorithm they are handed to.
class AlgorithmOptions {
 public:
  AlgorithmOptions() = default;

  template <typename Options>
  requires(!std::is_same_v<std::decay_t<Options>, AlgorithmOptions> &&
           requires(std::decay_t<Options> & o, SettingCollector& v) { visit(o, v); })
      AlgorithmOptions(Options&& options)  // NOLINT: a DppfOptions is what is asked for
      : value_(std::forward<Options>(options)), settings_(&settings<std::decay_t<Options>>) {}

  bool empty() const { return !value_.has_value(); }

  /// Whether both are of the same kind.
  bool like(const AlgorithmOptions& other) const { return value_.type() == other.value_.type(); }

  /// @throws std::bad_any_cast if they are of another kind.
  template <typename Options>
  const Options& as() const {
    return std::any_cast<const Options&>(value_);
  }
  template <typename Options>
  Options& as() {
    return std::any_cast<Options&>(value_);
  }

  /// Bound to this object; none if it is empty.
  std::vector<Setting> settings() { return empty() ? std::vector<Setting>{} : settings_(value_); }

  /// Their keys, in the order of visit().
  std::vector<std::string> keys() const;
  bool has(const std::string& key) const;

 private:
  template <typename Options>
  static std::vector<Setting> settings(std::any& value) {
    return settings_of(std::any_cast<Options&>(value));
  }

  std::any value_;
  std::vector<Setting> (*settings_)(std::any&) = nullptr;
};

}  // namespace valley
