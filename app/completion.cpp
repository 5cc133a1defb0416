/// `valley completion bash`: what a shell needs to complete the program's command lines, made from
/// what the program itself knows of its subcommands, flags and names.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "app/commands.h"
#include "valley/algorithms/table.h"
#include "valley/analysis/measure_table.h"
#include "valley/comm/backend_table.h"
#include "valley/core/names.h"
#include "valley/data/data_names.h"
#include "valley/models/model_names.h"
#include "valley/task/task_names.h"
#include "valley/topology/topology.h"
#include "valley/train/run_config.h"

namespace valley::app {
namespace {

using Names = std::vector<std::string>;

// Of a family what its members have in common: "wide-resnet-" of "wide-resnet-D-K".
Names model_names() {
  Names names;
  for (const ModelEntry& entry : models()) {
    const std::string begin =
        entry.name.substr(0, entry.name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
    if (names.empty() || names.back() != begin) names.push_back(begin);
  }
  return names;
}

Names data_names() {
  Names names;
  for (const DataEntry& entry : datasets())
    names.push_back(entry.name + (entry.needs_path ? ":" : ""));
  return names;
}

Names topology_names() {
  Names names;
  for (const TopologyEntry& entry : topologies()) {
    names.push_back(entry.name + (entry.needs_argument ? ":" : ""));
  }
  return names;
}

template <typename Entry>
Names entries_of(const std::vector<Entry>& table, Names names = {}) {
  for (const Entry& entry : table) names.push_back(entry.name);
  return names;
}

// By the name of a flag, or of what stands without one.
std::map<std::string, Names> known_values() {
  std::map<std::string, Names> values;
  RunConfig config;
  for (const Setting& setting : settings_of(config)) {
    if (!setting.choices.empty()) values["--" + setting.key] = setting.choices;
  }
  values["--algorithm"] = values["--algorithms"] = entries_of(algorithms());
  values["--model"] = model_names();
  values["--data"] = data_names();
  values["--topology"] = values["topology name"] = topology_names();
  values["--backend"] = entries_of(backend_table(), {"auto"});
  values["--task"] = entries_of(task_table());
  values["--measures"] = entries_of(measure_table());
  values["list what"] = {"algorithms", "models",   "tasks",   "data",
                         "topologies", "backends", "measures"};
  values["completion shell"] = {"bash", "zsh"};
  return values;
}

std::string words(const Names& names) { return fmt::format("{}", fmt::join(names, " ")); }

// The cases of a subcommand: its flags, the values of those that have names, and the others, which
// are numbers or files.
std::string cases_of_flags(const CLI::App& command, const std::map<std::string, Names>& values) {
  Names flags;
  std::string cases;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      const std::string flag = "--" + name;
      flags.push_back(flag);
      if (option->get_items_expected_max() == 0) continue;  // a switch
      const auto found = values.find(flag);
      const std::string type = option->get_type_name();
      cases += fmt::format("    '{} {}') {};;\n", command.get_name(), flag,
                           found != values.end() ? fmt::format("values='{}' ", words(found->second))
                           : type == "INT" || type == "FLOAT" ? "number=yes "
                                                              : "");
    }
  }
  return cases + fmt::format("    '{} -') values='{}' ;;\n", command.get_name(), words(flags));
}

// What stands without a flag, if it has names.
std::string case_of_place(const CLI::App& command, const std::map<std::string, Names>& values) {
  for (const CLI::Option* option : command.get_options()) {
    const auto found = values.find(command.get_name() + " " + option->get_name());
    if (found != values.end()) {
      return fmt::format("      {}) values='{}' ;;\n", command.get_name(), words(found->second));
    }
  }
  return "";
}

// Around what is made of the tables: the subcommands, and the cases of each.
constexpr const char* kHead =
    R"sh(# Completion of valley's command lines: eval "$(valley completion bash)"
_valley() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
  local place= values= number= kept=
  COMPREPLY=()
  # Bash takes --flag=value and name:path for three words. What follows a colon is a file.
  if [[ $word == : || $before == : ]]; then return; fi
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    command=
  elif [[ $word == -* ]]; then
    place=-
  else
    place=$before
  fi
  case "$command $place" in
)sh";
constexpr const char* kMiddle = R"sh(    *) case $command in
)sh";
constexpr const char* kTail = R"sh(    esac ;;
  esac
  # The last of several, separated by commas.
  if [[ $word == *,* ]]; then
    kept=${word%,*},
    word=${word##*,}
  fi
  COMPREPLY=($(compgen -P "$kept" -W "$values" -- "$word"))
  if ! type compopt > /dev/null 2>&1; then return; fi  # zsh
  if [[ $number ]]; then compopt +o default; fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[:-] ]]; then compopt -o nospace; fi
}
complete -o default -F _valley valley
)sh";
constexpr const char* kZsh = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n";

std::string script(const CLI::App& program) {
  const auto values = known_values();
  Names subcommands = {"--help", "--version"};
  std::string flags, places;
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    subcommands.push_back(command->get_name());
    flags += cases_of_flags(*command, values);
    places += case_of_place(*command, values);
  }
  return kHead + fmt::format("    ' ') values='{}' ;;\n", words(subcommands)) + flags + kMiddle +
         places + kTail;
}

}  // namespace

Command add_completion(CLI::App& program) {
  auto* command = program.add_subcommand(
      "completion",
      "print what lets a shell complete command lines: eval \"$(valley completion)\"");
  auto shell = std::make_shared<std::string>("bash");
  command->add_option("shell", *shell, "bash or zsh")->capture_default_str();
  return [shell, &program] {
    const bool zsh = choose("shell", *shell, {"bash", "zsh"}) == 1;
    std::cout << (zsh ? kZsh : "") << script(program);
    return 0;
  };
}

}  // namespace valley::app
