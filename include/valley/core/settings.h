#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// A setting is declared once, beside its reader: a member with its default, and a line of the
/// struct's visit() with key, rule and help.
///
///     struct PullOptions {
///       double pull = 0.1;
///       bool lazy = false;
///     };
///     template <typename V>
///     void visit(PullOptions& o, V& v) {
///       v("pull", o.pull, in(0, 1).open_below(), "alpha, pull towards the average, in (0, 1]");
///       v("lazy", o.lazy, "mix with (I + P) / 2");
///     }
///
/// Flags, files, help, range errors and range tests all go through settings_of(options).
namespace valley {

/// A value as flags and files have it.
using SettingValue = std::variant<bool, int64_t, double, std::string>;

/// The alternatives of SettingValue, in their order.
enum class SettingType { kSwitch, kWhole, kReal, kText };

/// "true or false", "a whole number", "a number" or "a text in quotes".
const char* name(SettingType type);

/// As a person writes it: 0.1, 16, true, lenet.
std::string plain_text(const SettingValue& value);

/// The value as one of `type`: 1 serves as 1.0, and 4 as "4". None if it cannot be one.
std::optional<SettingValue> converted(const SettingValue& value, SettingType type);

/// Which numbers a setting takes. None of them takes infinity or what is no number.
struct Range {
 private:
  template <typename F>  // first: clang++ evaluates what stands before its use alone
  constexpr Range with(F change) const {
    Range copy = *this;
    change(copy);
    return copy;
  }

 public:
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false, open_high = false;
  bool interval = false;            ///< named as a whole, "in [0, 1)", whichever end is passed
  std::optional<double> also = {};  ///< allowed beside the range
  /// What stands for "not given" in files and flags, where the member is a std::optional.
  std::optional<double> unset = {};
  const char* unset_means = "";  ///< "that of {seed}"

  constexpr Range open_below() const {
    return with([](Range& r) { r.open_low = true; });
  }
  constexpr Range open_above() const {
    return with([](Range& r) { r.open_high = true; });
  }
  constexpr Range at_most(double bound) const {
    return with([=](Range& r) { r.high = bound; });
  }
  constexpr Range or_just(double value) const {
    return with([=](Range& r) { r.also = value; });
  }
  constexpr Range not_given(double value, const char* means = "") const {
    return with([=](Range& r) { r.unset = value, r.unset_means = means; });
  }

  bool allows(double value) const;

  /// What a value that is not allowed should have been: "in (0, 1]", "0 or at least 2".
  std::string rule_for(double value) const;

  /// Some that are not allowed, and are not `unset` either.
  std::vector<double> refused() const;
};

constexpr Range in(double low, double high) { return {.low = low, .high = high, .interval = true}; }
constexpr Range at_least(double low) { return {.low = low}; }
constexpr Range above(double low) { return {.low = low, .open_low = true}; }

/// One of a list of names; `kind` says in errors what they are names of: "push variant".
template <typename E>
struct OneOf {
  struct Name {
    const char* name;
    E value;
  };
  const char* kind;
  const Name* names;
  size_t count;

  std::vector<std::string> all() const {
    std::vector<std::string> result;
    for (size_t i = 0; i < count; ++i) result.emplace_back(names[i].name);
    return result;
  }
  /// @throws UsageError for an unknown name (the nearest is offered).
  E parse(std::string_view text) const;
  std::string spell(const E& value) const {
    for (size_t i = 0; i < count; ++i) {
      if (names[i].value == value) return names[i].name;
    }
    return "";
  }
};

///     inline constexpr OneOf<Order>::Name kOrders[] = {{"awc", Order::kAwc}, ...};
///     v("mixing", o.mixing, one_of("mixing order", kOrders), "...");
template <typename Name, size_t count>
constexpr auto one_of(const char* kind, const Name (&names)[count]) {
  return OneOf<decltype(names[0].value)>{kind, names, count};
}

/// A value with a text form of its own.
template <typename T>
struct Parsed {
  T (*parser)(std::string_view);  ///< @throws UsageError
  std::string (*speller)(const T&);

  T parse(std::string_view text) const { return parser(text); }
  std::string spell(const T& value) const { return speller(value); }
};

/// A text that is kept as it is. `check` @throws UsageError for one that means nothing.
struct CheckedText {
  void (*check)(const std::string& text);
};

/// What else there is to say of a setting.
enum Traits : unsigned {
  kNoTraits = 0,
  /// Younger than the first run folders: config.toml has it only where it is not the default, and
  /// may lack it. Every new setting is.
  kYounger = 1,
  /// Of one start of one worker only: not in config.toml, and asked again of a resumed run.
  kUnrecorded = 2,
  /// Each worker's own affair: workers that meet need not agree.
  kMayDiffer = 4,
};

/// A setting that several structs have: key, rule and help stand once.
///
///     inline constexpr Declared kPull = {"pull", in(0, 1).open_below(), "alpha, ..."};
///     v(kPull, o.pull);
template <typename Rule>
struct Declared {
  const char* key;
  Rule rule;
  const char* help;
  unsigned traits = kNoTraits;
};
template <typename Rule>
Declared(const char*, Rule, const char*) -> Declared<Rule>;
template <typename Rule>
Declared(const char*, Rule, const char*, Traits) -> Declared<Rule>;

/// The rule of a setting that takes every value of its type: switches, free texts.
struct AnyValue {};

/// One setting of one struct, bound to its member: what flags, files, help, errors and tests need.
struct Setting {
  std::string group;  ///< a heading in --help; "" outside of groups
  std::string key;    ///< the long flag without dashes, the key in files
  std::string help;   ///< other keys stand in braces: "units of {push}"; see with_keys()
  SettingType type;
  unsigned traits = kNoTraits;
  std::function<SettingValue()> get;
  /// Takes a value of `type`. @throws UsageError for a text that means nothing.
  std::function<void(const SettingValue&)> set;
  /// @throws UsageError, "KEY must be RULE, got VALUE", for a number out of range, or for a text
  ///     with a check.
  std::function<void()> check;
  std::vector<SettingValue> refused;  ///< values of `type` that set() or check() refuses
  std::vector<std::string> choices;   ///< all that it takes, where that is a list of names

  bool has(Traits trait) const { return (traits & trait) != 0; }
};

/// The visitor that makes them. A visit() is a template, so that there can be others.
class SettingCollector {
 public:
  /// What follows belongs to this group.
  void group(const char* name) { group_ = name; }

  template <typename Rule, typename T>
  void operator()(const Declared<Rule>& declared, T& member) {
    if constexpr (std::is_same_v<Rule, AnyValue>) {
      (*this)(declared.key, member, declared.help, declared.traits);
    } else {
      (*this)(declared.key, member, declared.rule, declared.help, declared.traits);
    }
  }

  void operator()(const char* key, bool& member, const char* help, unsigned traits = kNoTraits);
  void operator()(const char* key, std::string& member, const char* help,
                  unsigned traits = kNoTraits);
  void operator()(const char* key, std::string& member, const CheckedText& text, const char* help,
                  unsigned traits = kNoTraits);
  void operator()(const char* key, int64_t& member, const Range& range, const char* help,
                  unsigned traits = kNoTraits);
  void operator()(const char* key, uint64_t& member, const Range& range, const char* help,
                  unsigned traits = kNoTraits);
  void operator()(const char* key, double& member, const Range& range, const char* help,
                  unsigned traits = kNoTraits);
  void operator()(const char* key, std::optional<int64_t>& member, const Range& range,
                  const char* help, unsigned traits = kNoTraits);
  void operator()(const char* key, std::optional<double>& member, const Range& range,
                  const char* help, unsigned traits = kNoTraits);

  /// OneOf or Parsed.
  template <typename T, typename Rule>
  void operator()(const char* key, T& member, const Rule& rule, const char* help,
                  unsigned traits = kNoTraits) {
    add_text(
        key, help, traits, [&member, rule] { return rule.spell(member); },
        [&member, rule](const std::string& text) { member = rule.parse(text); });
    if constexpr (requires { rule.all(); }) settings_.back().choices = rule.all();
  }

  std::vector<Setting> take() { return std::move(settings_); }

 private:
  template <typename T>
  void add_number(const char* key, T& member, const Range& range, const char* help,
                  unsigned traits);
  void add_text(const char* key, const char* help, unsigned traits,
                std::function<std::string()> spell, std::function<void(const std::string&)> parse);

  std::string group_;
  std::vector<Setting> settings_;
};

/// The settings of `options`, in the order of its visit(), bound to it.
template <typename Options>
std::vector<Setting> settings_of(Options& options) {
  SettingCollector collector;
  visit(options, collector);
  return collector.take();
}

/// @throws UsageError for the first number that is out of range.
template <typename Options>
void check_ranges(Options options) {
  for (const Setting& setting : settings_of(options)) setting.check();
}

/// Sets one of them from a value of its type, or one that serves as such.
/// @throws UsageError for an unknown key (the nearest is offered), another type or a bad text.
void set(const std::vector<Setting>& settings, const std::string& key, const SettingValue& value);

/// The text with every {key} written as `before` and the key: "units of --push".
std::string with_keys(std::string_view text, std::string_view before);

}  // namespace valley

#include "valley/core/names.h"

template <typename E>
E valley::OneOf<E>::parse(std::string_view text) const {
  return names[choose(kind, text, all())].value;
}
