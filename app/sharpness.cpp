#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/measure_sharpness.h"
#include "app/paths.h"
#include "valley/core/error.h"
#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

struct MeasureFlags : SharpnessFlags {
  std::string out;
};

std::string figure(const Json& measure) {
  if (measure["value"].is_null()) return "-";
  const std::string value = fmt::format("{:.4g}", measure["value"].get<double>());
  if (!measure.contains("standard_error")) return value;
  return value + fmt::format(" ± {:.2g}", measure["standard_error"].get<double>());
}

// One name a run, short where that is clear.
std::vector<std::string> column_names(const std::vector<Json>& results) {
  std::vector<std::string> names;
  std::set<std::string> different;
  for (const Json& result : results) {
    fs::path path = result["run"].get<std::string>();
    if (!path.has_filename()) path = path.parent_path();  // "runs/a/"
    names.push_back(path.filename().string());
    different.insert(names.back());
  }
  if (different.size() == names.size()) return names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = results[i]["run"];
  return names;
}

std::string sharpness_text(const std::vector<Json>& results, const SharpnessRequest& request) {
  const std::vector<std::string> names = column_names(results);
  std::vector<Table::Column> columns = {{"measure"}};
  for (const auto& name : names) columns.push_back({name, Table::Align::kRight});
  columns.push_back({"sharper if"});
  Table table(columns);
  const auto add = [&](const std::string& title, const auto& cell, const std::string& sharper) {
    std::vector<std::string> cells = {title};
    for (const Json& result : results) cells.push_back(cell(result));
    cells.push_back(sharper);
    table.add_row(std::move(cells));
  };
  add(
      "loss", [](const Json& r) { return fmt::format("{:.4g}", r["loss"].get<double>()); }, "");
  add(
      "generalisation gap",
      [](const Json& r) {
        return fmt::format("{:.2f} %", 100 * r["generalization_gap"].get<double>());
      },
      "");
  for (const MeasureEntry* entry : request.measures) {
    add(
        entry->name, [&](const Json& r) { return figure(r["measures"][entry->name]); },
        entry->larger_is_sharper ? "larger" : "smaller");
  }

  std::string notes;
  for (size_t i = 0; i < results.size(); ++i) {
    const Json& r = results[i];
    notes += fmt::format("\n{}: {} of {} training examples, seed {}, {}", names[i],
                         format_count(r["examples"]), format_count(r["training_examples"]),
                         r["seed"].get<int64_t>(), format_seconds(r["seconds"]));
    for (const auto& [name, measure] : r["measures"].items()) {
      if (measure.contains("note"))
        notes += fmt::format("\n  {}: {}", name, measure["note"].get<std::string>());
    }
  }
  return table.to_string() + notes + "\n";
}

int sharpness(const MeasureFlags& flags) {
  SharpnessRequest request = check_flags(flags);
  const std::vector<FinishedRun> runs =
      open_given(flags, flags.out.empty() ? RunsAre::kWritten : RunsAre::kRead);
  if (!flags.out.empty()) {
    const fs::path parent = fs::path(flags.out).parent_path();
    require(parent.empty() || fs::is_directory(parent), "--out {}: there is no folder {}",
            flags.out, parent.string());
  }

  require_measurable(runs, flags, request);

  std::vector<Json> results;
  for_each_run(runs, flags, [&](size_t i, Progress& progress) {
    results.push_back(measure_sharpness(runs[i], flags, request, progress));
    const fs::path file = fs::path(runs[i].folder()) / kSharpnessFile;
    if (flags.out.empty()) write_json(file, with_earlier_measures(results.back(), file.string()));
  });
  const Json all = {{"runs", results}};
  if (!flags.out.empty()) write_json(flags.out, all);
  const std::string where = !flags.out.empty() ? flags.out
                            : runs.size() == 1
                                ? (fs::path(runs[0].folder()) / kSharpnessFile).string()
                                : fmt::format("{} in every run folder", kSharpnessFile);
  return show(all, fmt::format("{}\nwritten to {}\n", sharpness_text(results, request), where),
              flags);
}

}  // namespace

Command add_sharpness(CLI::App& program) {
  auto* command = program.add_subcommand(
      "sharpness", "measure how wide and flat the minimum is that a finished run found");
  auto flags = std::make_shared<MeasureFlags>();
  add_run_flags(*command, *flags);
  add_measuring_flags(*command, *flags);
  as_path(command->add_option(
      "--out", flags->out,
      "write all results to this JSON file, not to sharpness.json in the runs"));
  command->footer(
      "What each measure is, costs, and when it misleads: docs/measures.md. Examples:\n"
      "  valley sharpness runs/first\n"
      "  valley sharpness runs/compare --measures mean-valley,lambda-max --samples 0\n"
      "  valley sharpness runs/a runs/b --json --quiet");
  return [flags] { return sharpness(*flags); };
}

}  // namespace valley::app
