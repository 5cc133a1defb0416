#include "valley/study/sharpness_table.h"

#include <algorithm>
#include <type_traits>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

// Sets the option of this name.
class SetOption {
 public:
  SetOption(const std::string& key, const ConfigValue& value)
      : key_(key), value_(value), text_(plain_text(value)) {}

  template <typename Number>
  void operator()(const std::string& key, Number& member, const char*) const {
    if (key != key_) return;
    const auto number = parse_number<Number>(text_);
    require(number.has_value(), "{} must be {}, got '{}'", Key{key},
            std::is_integral_v<Number> ? "a whole number" : "a number", text_);
    member = *number;
  }
  void operator()(const std::string& key, bool& member, const char*) const {
    if (key != key_) return;
    const bool* set = std::get_if<bool>(&value_);
    require(set != nullptr, "{} must be true or false, got '{}'", Key{key}, text_);
    member = *set;
  }
  void operator()(const std::string& key, std::string& member, const char*) const {
    if (key == key_) member = text_;
  }
  void operator()(const std::string& key, std::vector<std::string>& member, const char*) const {
    if (key != key_) return;
    for (size_t begin = 0; begin <= text_.size();) {
      const size_t end = std::min(text_.find(',', begin), text_.size());
      member.push_back(text_.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  void operator()(const std::string& key, ValleySearch& member, const char*) const {
    if (key == key_) member = parse_search(text_);
  }
  void operator()(const std::string& key, BatchNormAt& member, const char*) const {
    if (key == key_) member = parse_batch_norm(text_);
  }

 private:
  const std::string& key_;
  const ConfigValue& value_;
  std::string text_;
};

}  // namespace

SharpnessOptions sharpness_options_of(const Config& table, const std::string& source) {
  SharpnessOptions options;
  std::vector<std::string> known;
  visit(options, [&](const std::string& key, auto&, const char*) { known.push_back(key); });
  for (const auto& [key, value] : table) {
    choose("key in [sharpness] of " + source + ":", key, known);
    visit(options, SetOption(key, value));
  }
  return options;
}

}  // namespace valley
