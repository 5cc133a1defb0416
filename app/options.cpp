#include "app/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "app/numbers.h"
#include "valley/algorithms/table.h"
#include "valley/core/error.h"
#include "valley/data/data_names.h"
#include "valley/models/model_names.h"
#include "valley/record/run_folder.h"
#include "valley/train/config_paths.h"
#include "valley/train/run_config.h"

namespace valley::app {
namespace {

template <typename Entry>
std::string names_of(const std::vector<Entry>& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.push_back(entry.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// What the tables of names know beyond the setting's own text.
std::string help_of(const Setting& setting) {
  if (setting.key == "data") return names_of(datasets()) + "; of files elsewhere: NAME:PATH";
  if (setting.key == "model") return names_of(models()) + ", or a TorchScript file (net.pt)";
  if (setting.key == "algorithm") return names_of(algorithms()) + "; see `valley list algorithms`";
  const std::string help = with_keys(setting.help, "--");
  std::vector<std::string> readers;
  for (const auto& entry : algorithms()) {
    if (entry.defaults.has(setting.key)) readers.push_back(entry.name);
  }
  return readers.empty() ? help : fmt::format("{} [{}]", help, fmt::join(readers, ", "));
}

// A flag that sets the setting; it checks what CLI11 would only convert.
template <typename T>
CLI::Option* add_flag_of(CLI::App& command, const std::string& flag, const Setting& setting) {
  CLI::Option* option = command.add_option_function<T>(
      flag, [set = setting.set](const T& value) { set(value); }, help_of(setting));
  if constexpr (std::is_same_v<T, std::string>) {
    option->transform([flag, key = setting.key](const std::string& text) {
      return expand_home_in_setting(key, text, flag);
    });
  } else {
    option->check([flag](const std::string& text) {
      return std::is_same_v<T, int64_t> ? check_whole_number(flag, text)
                                        : check_real_number(flag, text);
    });
  }
  return option->default_str(plain_text(setting.get()));
}

// How long a run is, at which rate, and what ends it: what --extend may change. All else would
// make of what is there something that no one run has done.
bool is_extensible(const std::string& key) {
  constexpr const char* kKeys[] = {"epochs",   "steps",         "until-loss",   "patience",
                                   "lr",       "lr-schedule",   "warmup-steps", "warmup-share",
                                   "lr-floor", "lr-milestones", "lr-factor",    "weight-decay",
                                   "clip-norm"};
  return std::any_of(std::begin(kKeys), std::end(kKeys),
                     [&](const char* known) { return key == known; });
}

}  // namespace

void add_config_options(CLI::App& command, RunConfig& config,
                        const std::vector<std::string>& leave_out) {
  for (const Setting& setting : settings_of(config)) {
    if (std::find(leave_out.begin(), leave_out.end(), setting.key) != leave_out.end()) continue;
    const std::string flag = "--" + setting.key;
    CLI::Option* option = nullptr;
    switch (setting.type) {
      case SettingType::kSwitch:
        option = command.add_flag_function(
            flag, [set = setting.set](int64_t given) { set(given > 0); }, help_of(setting));
        break;
      case SettingType::kWhole:
        option = add_flag_of<int64_t>(command, flag, setting);
        break;
      case SettingType::kReal:
        option = add_flag_of<double>(command, flag, setting);
        break;
      case SettingType::kText:
        option = add_flag_of<std::string>(command, flag, setting);
        break;
    }
    option->group(setting.group);
  }
}

std::vector<std::string> settings_but(const std::vector<std::string>& kept) {
  RunConfig config;
  std::vector<std::string> keys;
  for (const Setting& setting : settings_of(config)) {
    if (std::find(kept.begin(), kept.end(), setting.key) == kept.end()) keys.push_back(setting.key);
  }
  return keys;
}

RunConfig resolve_config(const CLI::App& command, const RunConfig& flags,
                         const std::string& config_file) {
  RunConfig config, given = flags;
  if (!config_file.empty()) apply_config(read_config(config_file), config_file, config);
  const auto settings = settings_of(config), from = settings_of(given);
  for (size_t i = 0; i < settings.size(); ++i) {
    const CLI::Option* option = command.get_option_no_throw("--" + settings[i].key);
    if (option != nullptr && option->count() > 0) settings[i].set(from[i].get());
  }
  return config;
}

RunConfig resolve_resumed_config(const CLI::App& command, const RunConfig& flags,
                                 const std::string& folder, bool extend) {
  const RunFolder run = RunFolder::open(folder);
  run.require_writable("--resume");
  const std::string file = run.file(RunFolder::kConfig).string();
  const Config values = read_config(file);
  RunConfig saved;
  apply_config(values, file, saved);
  saved = with_absolute_paths(saved);
  RunConfig config = with_absolute_paths(resolve_config(command, flags, file));
  const auto settings = settings_of(config), others = settings_of(saved);
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    // Defaults in the place of what is missing would train something else in this folder.
    if (setting.has(kUnrecorded)) continue;
    require(setting.has(kYounger) ||
                std::any_of(values.begin(), values.end(),
                            [&](const auto& value) { return value.first == setting.key; }),
            "{} lacks '{}': it was cut short, or another version of valley wrote it", file,
            setting.key);
    if (others[i].get() == setting.get() || (extend && is_extensible(setting.key))) continue;
    require(!extend || setting.key != "workers",
            "--workers cannot change together with --extend: steps are counted by them");
    require(setting.group == "Workers" || setting.group == "Run",
            "--{} cannot change in a run that is resumed{}; for a new run: valley train --config "
            "{} --{} ... --out FOLDER",
            setting.key,
            extend                       ? " and extended"
            : is_extensible(setting.key) ? " without --extend"
                                         : "",
            file, setting.key);
  }
  namespace fs = std::filesystem;
  require(command.get_option("--out")->count() == 0 ||
              fs::weakly_canonical(config.out) == fs::weakly_canonical(folder),
          "--out {} contradicts --resume {}: a resumed run stays in its folder", config.out,
          folder);
  config.out = folder;
  return config;
}

bool is_method_setting(const std::string& key) {
  const auto& all = method_settings();
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& setting) { return setting.key == key; });
}

void require_read(const std::string& key, const std::string& algorithm) {
  const AlgorithmEntry& entry = find_algorithm(algorithm);
  require(entry.defaults.has(key), "--{} is no option of {}, which reads --{}", key, entry.name,
          fmt::join(entry.defaults.keys(), ", --"));
}

std::vector<std::string> method_flags_given(const CLI::App& command) {
  std::vector<std::string> given;
  for (const MethodSetting& setting : method_settings()) {
    if (command.get_option("--" + setting.key)->count() > 0) given.push_back(setting.key);
  }
  return given;
}

}  // namespace valley::app
