#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "valley/core/error.h"
#include "valley/instruments/sharpness_json.h"
#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

std::string figure(const Measurement& m) {
  if (!m.value) return "-";
  const std::string value = fmt::format("{:.4g}", *m.value);
  if (!m.standard_error) return value;
  return value + fmt::format(" ± {:.2g}", *m.standard_error);
}

// One name a run, short where that is clear.
std::vector<std::string> column_names(const std::vector<SharpnessResult>& results) {
  std::vector<std::string> names;
  std::set<std::string> different;
  for (const SharpnessResult& result : results) {
    fs::path path = result.run.folder;
    if (!path.has_filename()) path = path.parent_path();  // "runs/a/"
    names.push_back(path.filename().string());
    different.insert(names.back());
  }
  if (different.size() == names.size()) return names;
  for (size_t i = 0; i < names.size(); ++i) names[i] = results[i].run.folder;
  return names;
}

std::string notes_of(const std::string& name, const SharpnessResult& r) {
  std::string notes =
      fmt::format("\n{}: {} of {} training examples, seed {}, {}", name, format_count(r.examples),
                  format_count(r.training_examples), r.options.seed, format_seconds(r.seconds));
  for (const Measured& measured : r.measures) {
    if (!measured.measurement.note.empty())
      notes += fmt::format("\n  {}: {}", measured.entry->name, measured.measurement.note);
  }
  return notes;
}

std::string sharpness_text(const std::vector<SharpnessResult>& results,
                           const SharpnessRequest& request) {
  const std::vector<std::string> names = column_names(results);
  std::vector<Table::Column> columns = {{"measure"}};
  for (const auto& name : names) columns.push_back({name, Table::Align::kRight});
  columns.push_back({"sharper if"});
  Table table(columns);
  const auto add = [&](const std::string& title, const auto& cell, const std::string& sharper) {
    std::vector<std::string> cells = {title};
    for (const SharpnessResult& result : results) cells.push_back(cell(result));
    cells.push_back(sharper);
    table.add_row(std::move(cells));
  };
  add(
      "loss", [](const auto& r) { return fmt::format("{:.4g}", r.scores.loss()); }, "");
  add(
      "generalisation gap",
      [](const auto& r) { return score_difference(r.run.sheet.main(), r.generalization_gap); }, "");
  for (size_t i = 0; i < request.measures.size(); ++i) {
    const MeasureEntry& entry = *request.measures[i];
    add(
        entry.name, [&](const auto& r) { return figure(r.measures[i].measurement); },
        entry.larger_is_sharper ? "larger" : "smaller");
  }
  std::string notes;
  for (size_t i = 0; i < results.size(); ++i) notes += notes_of(names[i], results[i]);
  return table.to_string() + notes + "\n";
}

}  // namespace

int sharpness(const SharpnessFlags& flags) {
  SharpnessRequest request = sharpness_request(flags.options, flags.threads());
  const std::vector<FinishedRun> runs =
      open_given(flags, flags.out.empty() ? RunsAre::kWritten : RunsAre::kRead);
  if (!flags.out.empty()) {
    const fs::path parent = fs::path(flags.out).parent_path();
    require(parent.empty() || fs::is_directory(parent), "--out {}: there is no folder {}",
            flags.out, parent.string());
  }
  require_measurable(runs, request);

  std::vector<SharpnessResult> results;
  Json all = {{"runs", Json::array()}};
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    results.push_back(measure_sharpness(runs[i], request, watch));
    all["runs"].push_back(to_json(results.back()));
    if (flags.out.empty())
      write_sharpness(fs::path(runs[i].folder()) / kSharpnessFile, results.back());
  });
  if (!flags.out.empty()) write_json(flags.out, all);
  const std::string where = !flags.out.empty() ? flags.out
                            : runs.size() == 1
                                ? (fs::path(runs[0].folder()) / kSharpnessFile).string()
                                : fmt::format("{} in every run folder", kSharpnessFile);
  return show(all, fmt::format("{}\nwritten to {}\n", sharpness_text(results, request), where),
              flags.json);
}

}  // namespace valley::app
