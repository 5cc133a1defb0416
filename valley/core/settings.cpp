#include "valley/core/settings.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>

#include "valley/core/error.h"

namespace valley {
namespace {

template <typename T>
struct Optional : std::false_type {};
template <typename T>
struct Optional<std::optional<T>> : std::true_type {};

template <typename T>
SettingValue setting_value(const T& member, const Range& range) {
  if constexpr (Optional<T>::value) {
    using Number = typename T::value_type;
    return member.value_or(static_cast<Number>(range.unset.value()));
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    return static_cast<int64_t>(member);
  } else {
    return member;
  }
}

}  // namespace

const char* name(SettingType type) {
  switch (type) {
    case SettingType::kSwitch:
      return "true or false";
    case SettingType::kWhole:
      return "a whole number";
    case SettingType::kReal:
      return "a number";
    case SettingType::kText:
      break;
  }
  return "a text in quotes";
}

std::string plain_text(const SettingValue& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

std::optional<SettingValue> converted(const SettingValue& value, SettingType type) {
  if (value.index() == static_cast<size_t>(type)) return value;
  const int64_t* whole = std::get_if<int64_t>(&value);
  if (whole == nullptr) return std::nullopt;
  if (type == SettingType::kReal) return SettingValue(static_cast<double>(*whole));
  // period = 4 is as good as period = "4".
  if (type == SettingType::kText) return SettingValue(std::to_string(*whole));
  return std::nullopt;
}

bool Range::allows(double value) const {
  if (!std::isfinite(value)) return false;
  if (also && value == *also) return true;
  return (open_low ? value > low : value >= low) && (open_high ? value < high : value <= high);
}

std::string Range::rule_for(double value) const {
  std::string rule;
  if (interval) {
    rule = fmt::format("in {}{}, {}{}", open_low ? '(' : '[', low, high, open_high ? ')' : ']');
  } else if (value > high) {
    rule = fmt::format("{} {}", open_high ? "below" : "at most", high);
  } else {
    rule = fmt::format("{} {}", open_low ? "above" : "at least", low);
  }
  if (also) rule = fmt::format("{} or {}", *also, rule);
  if (*unset_means != '\0') rule += fmt::format(", or {} for {}", *unset, unset_means);
  return rule;
}

std::vector<double> Range::refused() const {
  std::vector<double> values;
  const auto refuse = [&](double value) {
    if (!allows(value) && value != unset) values.push_back(value);
  };
  if (std::isfinite(low)) {
    for (const double step : {0.0, 1.0, 3.0}) refuse(low - step);
  }
  if (std::isfinite(high)) {
    for (const double step : {0.0, 1.0, 3.0}) refuse(high + step);
  }
  return values;
}

template <typename T>
void SettingCollector::add_number(const char* key, T& member, const Range& range, const char* help,
                                  unsigned traits) {
  constexpr bool kReal = std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>;
  using Number = std::conditional_t<kReal, double, int64_t>;
  std::vector<SettingValue> refused;
  for (const double value : range.refused()) refused.emplace_back(static_cast<Number>(value));
  if (kReal) refused.emplace_back(std::numeric_limits<double>::quiet_NaN());
  settings_.push_back(
      {.group = group_,
       .key = key,
       .help = help,
       .type = kReal ? SettingType::kReal : SettingType::kWhole,
       .traits = traits,
       .get = [&member, range] { return setting_value(member, range); },
       .set =
           [&member, range](const SettingValue& value) {
             const Number number = std::get<Number>(value);
             member =
                 static_cast<std::conditional_t<std::is_same_v<T, uint64_t>, uint64_t, Number>>(
                     number);
             if constexpr (Optional<T>::value) {
               if (static_cast<double>(number) == range.unset) member.reset();
             }
           },
       .check =
           [key, &member, range] {
             if constexpr (Optional<T>::value) {
               if (!member) return;
             }
             const Number number = std::get<Number>(setting_value(member, range));
             const auto value = static_cast<double>(number);
             require(range.allows(value), "{} must be {}, got {}", Key{key},
                     with_keys(range.rule_for(value), std::string_view(&kKeyMark, 1)), number);
           },
       .refused = std::move(refused),
       .choices = {}});
}

void SettingCollector::add_text(const char* key, const char* help, unsigned traits,
                                std::function<std::string()> spell,
                                std::function<void(const std::string&)> parse) {
  settings_.push_back(
      {.group = group_,
       .key = key,
       .help = help,
       .type = SettingType::kText,
       .traits = traits,
       .get = [spell = std::move(spell)] { return SettingValue(spell()); },
       .set = [parse = std::move(parse)](
                  const SettingValue& value) { parse(std::get<std::string>(value)); },
       .check = [] {},
       .refused = {std::string("?")},
       .choices = {}});
}

void SettingCollector::operator()(const char* key, bool& member, const char* help,
                                  unsigned traits) {
  settings_.push_back(
      {.group = group_,
       .key = key,
       .help = help,
       .type = SettingType::kSwitch,
       .traits = traits,
       .get = [&member] { return SettingValue(member); },
       .set = [&member](const SettingValue& value) { member = std::get<bool>(value); },
       .check = [] {},
       .refused = {},
       .choices = {}});
}

void SettingCollector::operator()(const char* key, std::string& member, const char* help,
                                  unsigned traits) {
  add_text(
      key, help, traits, [&member] { return member; },
      [&member](const std::string& text) { member = text; });
  settings_.back().refused.clear();
}

void SettingCollector::operator()(const char* key, std::string& member, const CheckedText& text,
                                  const char* help, unsigned traits) {
  (*this)(key, member, help, traits);
  settings_.back().check = [&member, check = text.check] { check(member); };
  settings_.back().refused = {std::string("?")};
}

void SettingCollector::operator()(const char* key, int64_t& member, const Range& range,
                                  const char* help, unsigned traits) {
  add_number(key, member, range, help, traits);
}

void SettingCollector::operator()(const char* key, uint64_t& member, const Range& range,
                                  const char* help, unsigned traits) {
  add_number(key, member, range, help, traits);
}

void SettingCollector::operator()(const char* key, double& member, const Range& range,
                                  const char* help, unsigned traits) {
  add_number(key, member, range, help, traits);
}

void SettingCollector::operator()(const char* key, std::optional<int64_t>& member,
                                  const Range& range, const char* help, unsigned traits) {
  add_number(key, member, range, help, traits);
}

void SettingCollector::operator()(const char* key, std::optional<double>& member,
                                  const Range& range, const char* help, unsigned traits) {
  add_number(key, member, range, help, traits);
}

void set(const std::vector<Setting>& settings, const std::string& key, const SettingValue& value) {
  std::vector<std::string> known;
  for (const Setting& setting : settings) {
    if (setting.key != key) {
      known.push_back(setting.key);
      continue;
    }
    const auto fitting = converted(value, setting.type);
    require(fitting.has_value(), "{} must be {}", Key{setting.key}, name(setting.type));
    setting.set(*fitting);
    return;
  }
  throw UsageError(unknown_name("setting", key, known));
}

std::string with_keys(std::string_view text, std::string_view before) {
  std::string result;
  for (const char c : text) {
    if (c == '{') {
      result += before;
    } else if (c != '}') {
      result += c;
    }
  }
  return result;
}

}  // namespace valley
