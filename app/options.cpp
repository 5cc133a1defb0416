#include "app/options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "app/numbers.h"
#include "valley/algorithms/registry.h"
#include "valley/core/error.h"
#include "valley/data/dataset.h"
#include "valley/models/registry.h"
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

// What the tables of names know beyond the field's own text.
std::string help_of(const ConfigField& field) {
  if (field.key == "data") return names_of(datasets()) + "; of files elsewhere: NAME:PATH";
  if (field.key == "model") return names_of(models()) + ", or a TorchScript file (net.pt)";
  if (field.key == "algorithm") return names_of(algorithms()) + "; see `valley list algorithms`";
  if (field.group != "Method") return field.help;
  std::vector<std::string> readers;
  for (const auto& entry : algorithms()) {
    const auto& read = entry.options;
    if (std::find(read.begin(), read.end(), field.key) != read.end()) readers.push_back(entry.name);
  }
  return fmt::format("{} [{}]", field.help, fmt::join(readers, ", "));
}

}  // namespace

void add_config_options(CLI::App& command, RunConfig& config,
                        const std::vector<std::string>& leave_out) {
  for (const auto& field : config_fields()) {
    if (std::find(leave_out.begin(), leave_out.end(), field.key) != leave_out.end()) continue;
    const std::string flag = "--" + field.key;
    CLI::Option* option = std::visit(
        [&](auto member) {
          using T = std::remove_reference_t<decltype(config.*member)>;
          if constexpr (std::is_same_v<T, bool>) {
            return command.add_flag(flag, config.*member, help_of(field));
          } else {
            CLI::Option* added = command.add_option(flag, config.*member, help_of(field));
            if constexpr (std::is_same_v<T, std::string>) {
              added->transform([flag, key = field.key](const std::string& text) {
                return expand_home_in_setting(key, text, flag);
              });
            } else {
              added->check([flag](const std::string& text) {
                return std::is_same_v<T, int64_t> ? check_whole_number(flag, text)
                                                  : check_real_number(flag, text);
              });
            }
            return added->capture_default_str();
          }
        },
        field.member);
    option->group(field.group);
  }
}

RunConfig resolve_config(const CLI::App& command, const RunConfig& flags,
                         const std::string& config_file) {
  RunConfig config;
  if (!config_file.empty()) apply_config(read_config(config_file), config_file, config);
  for (const auto& field : config_fields()) {
    const CLI::Option* option = command.get_option_no_throw("--" + field.key);
    if (option == nullptr || option->count() == 0) continue;
    std::visit([&](auto member) { config.*member = flags.*member; }, field.member);
  }
  return config;
}

RunConfig resolve_resumed_config(const CLI::App& command, const RunConfig& flags,
                                 const std::string& folder) {
  const RunFolder run = RunFolder::open(folder);
  run.require_writable("--resume");
  const std::string file = run.file(RunFolder::kConfig).string();
  const Config values = read_config(file);
  RunConfig saved;
  apply_config(values, file, saved);
  saved = with_absolute_paths(saved);
  RunConfig config = with_absolute_paths(resolve_config(command, flags, file));
  for (const auto& field : config_fields()) {
    // Defaults in the place of what is missing would train something else in this folder.
    if (!is_recorded(field)) continue;
    require(
        field.younger || std::any_of(values.begin(), values.end(),
                                     [&](const auto& value) { return value.first == field.key; }),
        "{} lacks '{}': it was cut short, or another version of valley wrote it", file, field.key);
    const bool same =
        std::visit([&](auto member) { return saved.*member == config.*member; }, field.member);
    require(same || field.group == "Workers" || field.group == "Run",
            "--{} cannot change in a run that is resumed; for a new run: valley train --config {} "
            "--{} ... --out FOLDER",
            field.key, file, field.key);
  }
  namespace fs = std::filesystem;
  require(command.get_option("--out")->count() == 0 ||
              fs::weakly_canonical(config.out) == fs::weakly_canonical(folder),
          "--out {} contradicts --resume {}: a resumed run stays in its folder", config.out,
          folder);
  config.out = folder;
  return config;
}

void require_read(const std::string& key, const std::string& algorithm) {
  const AlgorithmEntry& entry = find_algorithm(algorithm);
  const auto& read = entry.options;
  require(std::find(read.begin(), read.end(), key) != read.end(),
          "--{} is no option of {}, which reads --{}", key, entry.name, fmt::join(read, ", --"));
}

std::vector<std::string> method_flags_given(const CLI::App& command) {
  std::vector<std::string> given;
  for (const auto& field : config_fields()) {
    if (field.group != "Method" || field.key == "algorithm") continue;
    if (command.get_option("--" + field.key)->count() > 0) given.push_back(field.key);
  }
  return given;
}

}  // namespace valley::app
