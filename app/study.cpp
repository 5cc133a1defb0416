#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/measure_sharpness.h"
#include "app/numbers.h"
#include "app/paths.h"
#include "app/run.h"
#include "app/stop.h"
#include "valley/analysis/kendall.h"
#include "valley/core/atomic_file.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"
#include "valley/picture/scatter_picture.h"
#include "valley/picture/table.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/record/units.h"
#include "valley/runs/outcome.h"
#include "valley/runs/same_settings.h"
#include "valley/runs/train_run.h"
#include "valley/train/grid.h"
#include "valley/train/job.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBootstrapDraws = 1000;
constexpr size_t kFewest = 4;           // runs that can be ranked
constexpr size_t kEnoughForError = 10;  // fewer runs say little of how far tau may be off
constexpr const char* kControl = "training-loss";
constexpr const char* kRecipe = "recipe.toml";  // in the folder of a study

struct StudyFlags {
  std::string recipe, out;
  int64_t workers = 0;
  bool print_runs = false;
  bool quiet = false;
  bool json = false;
};

// What a recipe says, once it is known to make sense.
struct Study {
  std::string recipe;  // the file's text
  std::string out;
  RunConfig shared;
  std::vector<ConfigAxis> axes;
  std::vector<GridRun> runs;
  SharpnessFlags measuring;
  SharpnessRequest request;
};

// The table [sharpness] of a recipe holds the flags of `valley sharpness`, and is read as they are.
SharpnessFlags measuring_flags(const Config& table, const std::string& source) {
  SharpnessFlags flags;
  CLI::App parser;
  parser.set_help_flag();
  add_measuring_flags(parser, flags);
  std::vector<std::string> known, arguments;
  for (const CLI::Option* option : parser.get_options()) known.push_back(option->get_single_name());
  for (const auto& [key, value] : table) {
    choose("key in [sharpness] of " + source + ":", key, known);
    if (const bool* set = std::get_if<bool>(&value); set != nullptr && key == "normalise") {
      if (*set) arguments.push_back("--" + key);
    } else {
      arguments.push_back(fmt::format("--{}={}", key, plain_text(value)));
    }
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    parser.parse(arguments);
  } catch (const CLI::ParseError& error) {
    throw UsageError(fmt::format("{}: [sharpness] {}", source, error.what()));
  }
  return flags;
}

std::vector<std::string> keys_of(const std::vector<ConfigAxis>& axes) {
  std::vector<std::string> keys;
  for (const ConfigAxis& axis : axes) keys.push_back(axis.key);
  return keys;
}

// A folder holds one study: other values of its axes may be asked for, but not another question.
void require_same_study(const Study& study) {
  const fs::path out = study.out;
  require(!fs::exists(out / RunFolder::kConfig), "--out {} is a run; choose another folder",
          study.out);
  if (!fs::exists(out / kRecipe)) return;
  const std::string file = (out / kRecipe).string();
  const ConfigGrid there = read_config_grid(file, "sharpness");
  const auto before = keys_of(there.grid), now = keys_of(study.axes);
  require(before == now, "--out {} holds a study over {}, not {}; choose another folder", study.out,
          fmt::join(before, ", "), fmt::join(now, ", "));
  RunConfig shared;
  apply_config(there.shared, file, shared);
  const std::string difference = first_difference(shared, study.shared, now);
  require(difference.empty(), "--out {} holds a study with {}; choose another folder", study.out,
          difference);
}

std::vector<NamedRun> named_runs(const Study& study) {
  std::vector<NamedRun> runs;
  for (const GridRun& run : study.runs) runs.push_back({run.name, run.config});
  return runs;
}

Study read_study(const StudyFlags& flags) {
  Study study;
  study.recipe = read_file(flags.recipe);
  const ConfigGrid recipe = parse_config_grid(study.recipe, flags.recipe, "sharpness");
  apply_config(recipe.shared, flags.recipe, study.shared);
  require(study.shared.launch == "threads", "{}: valley study trains with launch = \"threads\"",
          flags.recipe);
  require(study.shared.out.empty(), "{}: 'out' is for --out to say", flags.recipe);
  for (const auto& [key, value] : recipe.shared) {
    for (const ConfigAxis& axis : recipe.grid) {
      require(axis.key != key, "{}: '{}' stands outside of [grid] and in it", flags.recipe, key);
    }
  }
  study.axes = recipe.grid;
  study.runs = expand_grid(study.shared, recipe.grid, flags.recipe);
  require(study.runs.size() >= kFewest, "{}: a grid of {} runs is too small to rank, give {}",
          flags.recipe, study.runs.size(), kFewest);
  study.measuring = measuring_flags(recipe.others, flags.recipe);
  study.measuring.workers = flags.workers;
  study.measuring.quiet = flags.quiet;
  study.measuring.json = flags.json;
  study.request = check_flags(study.measuring);
  study.out = flags.out.empty() ? "runs/" + fs::path(flags.recipe).stem().string() : flags.out;
  for (GridRun& run : study.runs) {
    run.config.out = (fs::path(study.out) / run.name).string();
    require_same_settings(run.config);
  }
  require_same_study(study);
  return study;
}

// Measured now, or by an earlier call with the same flags.
Json sharpness_of(const GridRun& run, const Study& study) {
  const fs::path file = fs::path(run.config.out) / kSharpnessFile;
  const Json there = earlier_sharpness(file.string(), options_of(study.measuring));
  const Json measured = there.is_null() ? Json::object() : there.value("measures", Json::object());
  if (std::all_of(study.request.measures.begin(), study.request.measures.end(),
                  [&](const MeasureEntry* entry) { return measured.contains(entry->name); }))
    return measured;
  const auto progress = progress_unless(study.measuring.quiet);
  const Json result = measure_sharpness(FinishedRun::open(run.config.out), study.measuring,
                                        study.request, *progress, &stop_on_signals());
  progress->finish();
  write_json(file, result);
  return result["measures"];
}

// One run of the grid and what came of it: "finished", "diverged", or "short" of its loss.
Json study_run(const Study& study, const GridRun& run, const std::string& title, bool quiet) {
  Json result = {{"name", run.name}, {"run", run.config.out}, {"place", run.place}};
  for (size_t i = 0; i < study.axes.size(); ++i) {
    result["settings"][study.axes[i].key] =
        plain_text(study.axes[i].values[static_cast<size_t>(run.place[i])]);
  }
  // A run that diverged would do so again.
  const fs::path folder = run.config.out;
  if (fs::exists(folder / RunFolder::kConfig) &&
      run_state(RunFolder::open(folder)).kind == RunState::Kind::kDiverged) {
    if (!quiet) std::cerr << run.config.out << " has diverged already\n";
    result["status"] = "diverged";
    return result;
  }
  Summary summary;
  try {
    summary = train_one_of_several(run.config, title, quiet);
  } catch (const Diverged& error) {
    if (!quiet) std::cerr << "diverged: " << error.what() << "\n";
    result["status"] = "diverged";
    return result;
  }
  result["status"] = summary.status;
  if (summary.status != "finished") return result;
  result["steps"] = summary.steps;
  result["train_loss"] = summary.train_loss;
  result["test_loss"] = summary.test_loss;
  result["train_accuracy"] = summary.train_accuracy;
  result["test_accuracy"] = summary.test_accuracy;
  result["generalization_gap"] = summary.generalization_gap;
  if (run.config.until_loss > 0 && summary.train_loss > run.config.until_loss) {
    result["status"] = "short";
    return result;
  }
  try {
    result["measures"] = sharpness_of(run, study);
  } catch (const Stopped&) {
    result["status"] = "interrupted";
    return result;
  }
  result["measures"][kControl] = {{"value", summary.train_loss}};
  return result;
}

// What a run's measure says; none where it has no meaning or no value there.
std::optional<double> value_of(const Json& run, const std::string& name) {
  const Json& measure = run["measures"][name];
  if (!measure.contains("value") || measure["value"].is_null()) return std::nullopt;
  return measure["value"].get<double>();
}

Json number_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

// How well one measure orders the runs that have it. Larger means sharper, so that a measure that
// explains the gap has a coefficient near 1.
Json rank(const std::string& name, bool larger_is_sharper, const std::vector<Json>& runs,
          const std::vector<bool>& averaged) {
  std::vector<std::vector<int64_t>> places;
  std::vector<double> sharpness, gap;
  for (const Json& run : runs) {
    const auto value = value_of(run, name);
    if (!value) continue;
    places.push_back(run["place"]);
    sharpness.push_back((larger_is_sharper ? 1 : -1) * *value);
    gap.push_back(run["generalization_gap"]);
  }
  const size_t runs_with = sharpness.size();
  const bool enough = sharpness.size() >= kFewest;
  if (!enough) places.clear(), sharpness.clear(), gap.clear();  // no tau, and no group
  const GranulatedTau granulated = granulated_tau(places, averaged, sharpness, gap);
  Json axes = Json::array();
  for (const auto& tau : granulated.axes) axes.push_back(number_or_null(tau));
  return {{"measure", name},
          {"larger_is_sharper", larger_is_sharper},
          {"runs", runs_with},
          {"tau", number_or_null(kendall_tau_b(sharpness, gap))},
          {"standard_error", sharpness.size() < kEnoughForError
                                 ? Json()
                                 : number_or_null(kendall_standard_error(
                                       sharpness, gap, kBootstrapDraws, /*seed=*/0))},
          {"granulated", number_or_null(granulated.mean)},
          {"granulated_by_axis", axes},
          {"groups_by_axis", granulated.groups}};
}

Json ranking(const Study& study, const std::vector<Json>& runs) {
  std::vector<bool> averaged;
  for (const ConfigAxis& axis : study.axes) averaged.push_back(axis.key == "seed");
  std::vector<Json> ranks;
  for (const MeasureEntry* entry : study.request.measures) {
    ranks.push_back(rank(entry->name, entry->larger_is_sharper, runs, averaged));
  }
  const auto tau = [](const Json& r) { return r["tau"].is_null() ? -2.0 : r["tau"].get<double>(); };
  std::stable_sort(ranks.begin(), ranks.end(),
                   [&](const Json& a, const Json& b) { return tau(a) > tau(b); });
  ranks.push_back(rank(kControl, true, runs, averaged));
  return ranks;
}

std::string coefficient(const Json& value) {
  if (value.is_null()) return "-";
  const double rounded = std::round(100 * value.get<double>()) / 100;
  return fmt::format("{:.2f}", rounded + 0.0);  // no "-0.00"
}

std::string ranking_table(const Study& study, const Json& ranks) {
  std::vector<Table::Column> columns = {
      {"measure"}, {"tau-b", Table::Align::kRight}, {"granulated", Table::Align::kRight}};
  for (const ConfigAxis& axis : study.axes) {
    if (axis.key != "seed") columns.push_back({axis.key, Table::Align::kRight});
  }
  columns.push_back({"runs", Table::Align::kRight});
  Table table(columns);
  for (const Json& r : ranks) {
    std::string tau = coefficient(r["tau"]);
    if (!r["standard_error"].is_null())
      tau += fmt::format(" ± {:.2f}", r["standard_error"].get<double>());
    std::vector<std::string> cells = {r["measure"], tau, coefficient(r["granulated"])};
    for (size_t i = 0; i < study.axes.size(); ++i) {
      if (study.axes[i].key != "seed") cells.push_back(coefficient(r["granulated_by_axis"][i]));
    }
    cells.push_back(fmt::format("{}", r["runs"].get<int64_t>()));
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

// Every measure against the gap; the colour says which value of the first axis.
std::string picture(const Study& study, const Json& ranks, const std::vector<Json>& runs) {
  std::vector<std::string> groups;
  for (const ConfigValue& value : study.axes[0].values) {
    groups.push_back(study.axes[0].key + " " + plain_text(value));
  }
  std::vector<ScatterPanel> panels;
  for (const Json& r : ranks) {
    const std::string name = r["measure"];
    ScatterPanel panel{.title = "tau-b " + coefficient(r["tau"]),
                       .x_label = name + (r["larger_is_sharper"] ? "" : " (small is sharp)"),
                       .points = {}};
    for (const Json& run : runs) {
      const auto value = value_of(run, name);
      if (!value) continue;
      panel.points.push_back({.x = *value,
                              .y = 100 * run["generalization_gap"].get<double>(),
                              .group = run["place"][0]});
    }
    panels.push_back(std::move(panel));
  }
  return scatter_svg(
      fmt::format("{} runs of {} on {}", runs.size(), study.shared.algorithm, study.shared.data),
      "generalisation gap, %", groups, panels);
}

// What the reader of the table must know of the runs behind it.
std::string account(const Study& study, const std::vector<Json>& all,
                    const std::vector<Json>& ranked) {
  std::string text = fmt::format("{} of {} runs", ranked.size(), all.size());
  for (const Json& run : all) {
    const std::string status = run["status"];
    if (status == "diverged")
      text += fmt::format("\n  {} diverged", run["name"].get<std::string>());
    if (status == "short")
      text += fmt::format("\n  {} ended at training loss {:.3g}, not {}",
                          run["name"].get<std::string>(), run["train_loss"].get<double>(),
                          study.shared.until_loss);
  }
  if (ranked.empty()) return text + "\n";
  const auto by = [](const char* key) {
    return
        [key](const Json& a, const Json& b) { return a[key].get<double>() < b[key].get<double>(); };
  };
  const auto losses = std::minmax_element(ranked.begin(), ranked.end(), by("train_loss"));
  const auto gaps = std::minmax_element(ranked.begin(), ranked.end(), by("generalization_gap"));
  text += fmt::format("\ntraining loss {:.3g} to {:.3g}, generalisation gap {:.2f} to {:.2f} %",
                      (*losses.first)["train_loss"].get<double>(),
                      (*losses.second)["train_loss"].get<double>(),
                      100 * (*gaps.first)["generalization_gap"].get<double>(),
                      100 * (*gaps.second)["generalization_gap"].get<double>());
  if (study.shared.until_loss == 0)
    text += "\nno until-loss in the recipe: the runs differ in how far they have trained";
  return text + "\n";
}

void print_runs(const Study& study) {
  for (const GridRun& run : study.runs) {
    std::cout << run.config.out << (finished_outcome(run.config.out) ? "  (finished)" : "") << "\n";
  }
  std::cout << fmt::format("{} runs, {} measures\n", study.runs.size(),
                           study.request.measures.size());
}

int study(const StudyFlags& flags) {
  require_no_launcher("study");
  const Study study = read_study(flags);
  if (flags.print_runs) {
    print_runs(study);
    return 0;
  }

  require_trainable(named_runs(study));
  fs::create_directories(study.out);
  write_atomically(fs::path(study.out) / kRecipe, study.recipe);

  const double start = now_seconds();
  std::vector<Json> all, ranked;
  double busy = 0, worked = 0;  // with runs that were not there already
  for (const GridRun& run : study.runs) {
    std::string title = fmt::format("[{}/{}] {}", all.size() + 1, study.runs.size(), run.name);
    if (worked > 0) {
      const auto left = static_cast<double>(study.runs.size() - all.size());
      title += fmt::format(", about {} left", format_seconds(busy / worked * left));
    }
    const bool there = finished_outcome(run.config.out).has_value();
    const double began = now_seconds();
    all.push_back(study_run(study, run, title, flags.quiet));
    if (!there) {
      busy += now_seconds() - began;
      ++worked;
    }
    if (all.back()["status"] == "interrupted" || stop_on_signals()) {
      std::cerr << "valley: interrupted; the same command goes on from here\n";
      return exit_code::kInterrupted;
    }
    if (all.back().contains("measures")) ranked.push_back(all.back());
  }
  Json axes = Json::array();
  for (const ConfigAxis& axis : study.axes) {
    axes.push_back({{"key", axis.key}, {"values", Json::array()}});
    for (const ConfigValue& value : axis.values) axes.back()["values"].push_back(plain_text(value));
  }
  const bool rankable = ranked.size() >= kFewest;
  const Json ranks = rankable ? ranking(study, ranked) : Json::array();
  const Json result = {
      {"recipe", study.recipe}, {"axes", axes}, {"until_loss", study.shared.until_loss},
      {"ranking", ranks},       {"runs", all},  {"seconds", now_seconds() - start},
      {"version", kVersion}};
  write_json(fs::path(study.out) / "study.json", result);
  if (!rankable) {
    std::cerr << account(study, all, ranked)
              << fmt::format(
                     "valley: {} of {} runs have what it takes to be ranked, {} are needed; more "
                     "epochs, a higher until-loss or a smaller lr may help\n",
                     ranked.size(), all.size(), kFewest);
    return exit_code::kDiverged;
  }
  write_atomically(fs::path(study.out) / "study.svg", picture(study, ranks, ranked));
  return show(
      result,
      fmt::format("{}\n{}\nwritten to {}: study.json, study.svg, and a run folder for every "
                  "point of the grid\n",
                  ranking_table(study, ranks), account(study, all, ranked), study.out),
      study.measuring);
}

}  // namespace

Command add_study(CLI::App& program) {
  auto* command = program.add_subcommand(
      "study", "train a grid of runs, and rank the sharpness measures by the gap they explain");
  auto flags = std::make_shared<StudyFlags>();
  as_path(command->add_option("recipe", flags->recipe,
                              "TOML file: the settings all runs share, [grid] and [sharpness]"))
      ->required();
  as_path(command->add_option("--out", flags->out, "folder of the study; empty: runs/RECIPE"));
  add_number(*command, "--workers", flags->workers,
             "threads that share the batches of a measure; 0: one a core");
  command->add_flag("--print-runs", flags->print_runs, "show the runs of the grid and stop");
  command->add_flag("--quiet", flags->quiet, "show nothing but the result and errors");
  command->add_flag("--json", flags->json, "print study.json instead of the table");
  command->footer(
      "The same call again goes on where it was interrupted, and trains and measures nothing\n"
      "twice. How to read the table: docs/study.md. Examples:\n"
      "  valley study recipes/study.toml --print-runs\n"
      "  valley study recipes/study.toml --out runs/study");
  return [flags] { return study(*flags); };
}

}  // namespace valley::app
