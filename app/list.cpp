#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/commands.h"
#include "valley/algorithms/table.h"
#include "valley/analysis/measure_table.h"
#include "valley/comm/backend_table.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/data/data_names.h"
#include "valley/models/model_names.h"
#include "valley/picture/table.h"
#include "valley/task/task_names.h"
#include "valley/topology/topology.h"

namespace valley::app {
namespace {

std::string list_algorithms() {
  Table table({{"algorithm"}, {"what it does"}, {"cost of a round"}, {"options"}});
  for (const auto& a : algorithms()) {
    table.add_row({a.name, a.summary, with_keys(a.cost, "--"),
                   fmt::format("--{}", fmt::join(a.defaults.keys(), " --"))});
  }
  return table.to_string();
}

std::string list_models() {
  Table table({{"model"}, {"what it is"}});
  for (const auto& m : models()) table.add_row({m.name, m.summary});
  table.add_row({"NAME.pt", "a TorchScript module exported by Python, whatever its ending"});
  return table.to_string();
}

std::string list_tasks() {
  Table table({{"task"}, {"what it is"}});
  for (const auto& t : task_table()) table.add_row({t.name, t.summary});
  return table.to_string();
}

std::string list_data() {
  Table table({{"data"}, {"what it is"}, {"default path"}});
  for (const auto& d : datasets()) {
    table.add_row(
        {d.name, d.summary, d.needs_path ? "(give it: " + d.name + ":PATH)" : d.default_path});
  }
  return table.to_string();
}

std::string list_topologies() {
  Table table(
      {{"topology"}, {"who mixes with whom"}, {"messages a step"}, {"workers"}, {"given as"}});
  for (const auto& t : topologies()) {
    const std::string argument = t.argument.empty() ? ""
                                 : t.needs_argument ? ":" + t.argument
                                                    : "[:" + t.argument + "]";
    table.add_row({t.name, t.summary, t.messages, t.needs.empty() ? "any number" : t.needs,
                   argument.empty() ? "" : t.name + argument});
  }
  return table.to_string();
}

std::string list_backends() {
  Table table({{"backend"}, {"what its workers are"}, {"tensors on"}, {"adds up"}, {"needs"}});
  for (const auto& b : backend_table()) {
    table.add_row({b.name, b.summary, b.devices, b.sums, b.needs});
  }
  return table.to_string();
}

std::string list_measures() {
  Table table({{"measure"}, {"what it is"}, {"sharper if"}, {"cost"}, {"needs"}});
  for (const auto& m : measure_table()) {
    const std::string needs = m.needs == Needs::kWorkers   ? "two workers"
                              : m.needs == Needs::kInitial ? "the start"
                              : m.needs == Needs::kBoth    ? "two workers, the start"
                                                           : "";
    table.add_row({m.name, m.summary, m.larger_is_sharper ? "larger" : "smaller",
                   m.cost + (m.stochastic ? "; random" : ""), needs});
  }
  return table.to_string();
}

}  // namespace

Command add_list(CLI::App& program) {
  auto* command = program.add_subcommand(
      "list", "show the algorithms, models, tasks, data sets, topologies, backends and measures");
  auto what = std::make_shared<std::string>();
  command->add_option(
      "what", *what,
      "algorithms, models, tasks, data, topologies, backends or measures; nothing: all");
  return [what] {
    const std::vector<std::pair<std::string, std::string (*)()>> lists = {
        {"algorithms", &list_algorithms}, {"models", &list_models},
        {"tasks", &list_tasks},           {"data", &list_data},
        {"topologies", &list_topologies}, {"backends", &list_backends},
        {"measures", &list_measures}};
    std::vector<std::string> known;
    bool found = false;
    for (const auto& [name, list] : lists) {
      known.push_back(name);
      if (!what->empty() && *what != name) continue;
      std::cout << (found ? "\n" : "") << list();
      found = true;
    }
    if (!found) throw UsageError(unknown_name("list", *what, known));
    return 0;
  };
}

}  // namespace valley::app
