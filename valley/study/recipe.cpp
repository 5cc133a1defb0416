#include "valley/study/recipe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <type_traits>

#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/numbers.h"
#include "valley/instruments/examples.h"
#include "valley/record/run_folder.h"
#include "valley/runs/same_settings.h"
#include "valley/study/ranking.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

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

std::vector<std::string> keys_of(const std::vector<ConfigAxis>& axes) {
  std::vector<std::string> keys;
  for (const ConfigAxis& axis : axes) keys.push_back(axis.key);
  return keys;
}

// A folder holds one study: other values of its axes may be asked for, but not another question.
void require_same_study(const Study& study) {
  const fs::path out = study.out;
  require(!fs::exists(out / RunFolder::kConfig), "{} {} is a run; choose another folder",
          Key{"out"}, study.out);
  if (!fs::exists(out / kStudyRecipe)) return;
  const std::string file = (out / kStudyRecipe).string();
  const ConfigGrid there = read_config_grid(file, "sharpness");
  const auto before = keys_of(there.grid), now = keys_of(study.axes);
  require(before == now, "{} {} holds a study over {}, not {}; choose another folder", Key{"out"},
          study.out, fmt::join(before, ", "), fmt::join(now, ", "));
  RunConfig shared;
  apply_config(there.shared, file, shared);
  const std::string difference = first_difference(shared, study.shared, now);
  require(difference.empty(), "{} {} holds a study with {}; choose another folder", Key{"out"},
          study.out, difference);
}

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

std::vector<NamedRun> named_runs(const Study& study) {
  std::vector<NamedRun> runs;
  for (const GridRun& run : study.runs) runs.push_back({run.name, run.config});
  return runs;
}

Study read_study(const std::string& recipe, const std::string& source, const std::string& out,
                 int threads) {
  Study study;
  study.recipe = recipe;
  study.out = out;
  const ConfigGrid read = parse_config_grid(recipe, source, "sharpness");
  apply_config(read.shared, source, study.shared);
  require(study.shared.launch == Launch::kThreads,
          "{}: valley study trains with launch = \"threads\"", source);
  require(study.shared.out.empty(), "{}: 'out' is for {} to say", source, Key{"out"});
  for (const auto& [key, value] : read.shared) {
    for (const ConfigAxis& axis : read.grid) {
      require(axis.key != key, "{}: '{}' stands outside of [grid] and in it", source, key);
    }
  }
  study.axes = read.grid;
  study.runs = expand_grid(study.shared, read.grid, source);
  require(study.runs.size() >= kFewestRanked, "{}: a grid of {} runs is too small to rank, give {}",
          source, study.runs.size(), kFewestRanked);
  study.request = sharpness_request(sharpness_options_of(read.others, source), threads);
  for (GridRun& run : study.runs) {
    run.config.out = (fs::path(study.out) / run.name).string();
    require_same_settings(run.config);
  }
  require_same_study(study);
  return study;
}

}  // namespace valley
