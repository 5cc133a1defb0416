#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/instrument.h"
#include "valley/analysis/registry.h"
#include "valley/analysis/row_scale.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"
#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/record/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "sharpness.json";

struct SharpnessFlags : InstrumentFlags {
  std::vector<std::string> measures;
  double kappa = 2;
  std::string search = "bisect";
  double step = 0.1;
  std::string batch_norm = "average";
  int64_t draws = 20;
  double rho = 0.05;
  int64_t lanczos = 60;
  double memory = 6;
  bool normalise = false;
  std::string out;
};

// What the flags say, once they are known to make sense.
struct Request {
  std::vector<const MeasureEntry*> measures;
  bool named = false;  // by the person, who then wants them or an error
  MeasureOptions options;
  ObjectiveOptions objective;
};

Request check_flags(const SharpnessFlags& flags) {
  Request request;
  std::set<std::string> seen;
  for (const std::string& name : flags.measures) {
    require(seen.insert(name).second, "--measures has {} twice", name);
    find_measure(name);
  }
  request.named = !flags.measures.empty();
  for (const MeasureEntry& entry : measures()) {
    if (!request.named || seen.contains(entry.name)) request.measures.push_back(&entry);
  }

  const bool by_step = choose("--search", flags.search, {"bisect", "step"}) == 1;
  request.objective.batch_norm = parse_batch_norm(flags.batch_norm);
  check(flags);
  require(flags.lanczos >= 2, "--lanczos must be at least 2, got {}", flags.lanczos);
  require(std::isfinite(flags.memory) && flags.memory > 0, "--memory must be above 0, got {}",
          flags.memory);
  require(std::isfinite(flags.step) && 0 < flags.step && flags.step <= 1e4,
          "--step must be in (0, 10000], got {}", flags.step);

  request.options.valley = {.kappa = flags.kappa,
                            .search = by_step ? ValleySearch::kStep : ValleySearch::kBisect,
                            .step = flags.step};
  request.options.seed = flags.seed_bits();
  request.options.draws = flags.draws;
  request.options.rho = flags.rho;
  request.options.lanczos_steps = flags.lanczos;
  check(request.options);
  request.objective.threads = static_cast<int>(flags.workers);
  return request;
}

// Turns forward passes into a bar: every measure has its expected part of it.
class PassMeter {
 public:
  PassMeter(Progress& progress, double expected) : progress_(progress), expected_(expected) {}

  void begin(double expected) { until_ += expected; }
  void add(double passes) {
    done_ = std::min(done_ + passes, until_);
    show();
  }
  void end() {
    done_ = until_;
    show();
  }

 private:
  void show() {
    progress_.update({.step = std::llround(done_), .total_steps = std::llround(expected_)});
  }

  Progress& progress_;
  double expected_, until_ = 0, done_ = 0;
};

int64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

// What is left for vectors beside what a product itself takes, which is known after one. Small
// models need not be asked.
int64_t bytes_for_vectors(const MinimumData& data, const MeasureOptions& options, double memory) {
  const auto bytes = static_cast<int64_t>(memory * 1e9);
  const int64_t most =
      std::max(options.lanczos_steps, options.spectrum_probes * (options.spectrum_steps + 1));
  if (most * static_cast<int64_t>(data.average.nbytes()) > bytes / 10) {
    data.products({data.average});
  }
  return std::max<int64_t>(bytes - peak_bytes(), 0);
}

Json measure_all(Minimum& minimum, const Request& request, const std::string& folder,
                 PassMeter& meter) {
  Json result = Json::object();
  for (const MeasureEntry* entry : request.measures) {
    Measurement measured;
    const double start = now_seconds();
    measured.note = why_not(*entry, minimum);
    if (measured.note.empty()) {
      meter.begin(entry->passes(minimum));
      try {
        measured = entry->measure(minimum);
      } catch (const UsageError& error) {
        if (request.named)
          throw UsageError(fmt::format("{}: {}: {}", folder, entry->name, error.what()));
        measured.note = error.what();
      }
      meter.end();
    } else {
      require(!request.named, "{}: {} {}", folder, entry->name, measured.note);
    }
    Json json = {{"value", measured.value ? Json(*measured.value) : Json()}};
    if (measured.standard_error) json["standard_error"] = *measured.standard_error;
    if (!measured.note.empty()) json["note"] = measured.note;
    json.update(measured.details);
    json["seconds"] = now_seconds() - start;
    result[entry->name] = json;
  }
  return result;
}

Json measure_run(const FinishedRun& run, const SharpnessFlags& flags, const Request& request,
                 Progress& progress) {
  const double start = now_seconds();
  const DataSplits data = run.load_data();
  const RunWeights weights = run.load_weights(data);
  const auto train = examples_of(data.train, flags);

  PassMeter* meter = nullptr;
  ObjectiveOptions options = request.objective;
  options.decay_rule = run.decay_rule();
  options.on_passes = [&](double passes) {
    if (meter != nullptr) meter->add(passes);
  };
  Objective objective([&] { return run.make_model(data); }, train, *data.train, options);
  const at::Tensor scale =
      flags.normalise ? row_scale(weights.average, weights.ranges) : at::Tensor();
  MinimumData minimum_data =
      minimum_of(objective, weights.average, weights.workers, weights.initial, scale);
  MeasureOptions measure_options = request.options;
  measure_options.bytes = bytes_for_vectors(minimum_data, measure_options, flags.memory);
  Minimum minimum(std::move(minimum_data), measure_options);
  const PointScores scores = minimum.at_average();
  require_finite(scores.loss, run);

  double expected = 0;
  for (const MeasureEntry* entry : request.measures) {
    if (why_not(*entry, minimum).empty()) expected += entry->passes(minimum);
  }
  PassMeter counting(progress, expected);
  meter = &counting;
  const Summary& s = run.summary();
  Json result = {{"run", run.folder()},
                 {"algorithm", s.algorithm},
                 {"model", s.model},
                 {"data", s.data},
                 {"workers", s.workers},
                 {"run_seed", s.seed},
                 {"parameters", objective.size()},
                 {"generalization_gap", s.generalization_gap},
                 {"examples", train->size()},
                 {"training_examples", data.train->size()},
                 {"loss", scores.loss},
                 {"accuracy", scores.accuracy},
                 {"seed", request.options.seed},
                 {"batch_norm", flags.batch_norm},
                 {"normalised", flags.normalise}};
  result["measures"] = measure_all(minimum, request, run.folder(), counting);
  result["seconds"] = now_seconds() - start;
  result["version"] = kVersion;
  return result;
}

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

std::string describe(const std::vector<Json>& results, const Request& request) {
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

int sharpness(const SharpnessFlags& flags) {
  const Request request = check_flags(flags);
  const std::vector<FinishedRun> runs =
      open_runs(flags.runs, flags.out.empty() ? RunsAre::kWritten : RunsAre::kRead);
  if (!flags.out.empty()) {
    const fs::path parent = fs::path(flags.out).parent_path();
    require(parent.empty() || fs::is_directory(parent), "--out {}: there is no folder {}",
            flags.out, parent.string());
  }

  std::vector<Json> results;
  for_each_run(runs, flags, [&](size_t i, Progress& progress) {
    results.push_back(measure_run(runs[i], flags, request, progress));
    if (flags.out.empty()) write_json(fs::path(runs[i].folder()) / kFile, results.back());
  });
  const Json all = {{"runs", results}};
  if (!flags.out.empty()) write_json(flags.out, all);
  const std::string where = !flags.out.empty() ? flags.out
                            : runs.size() == 1 ? (fs::path(runs[0].folder()) / kFile).string()
                                               : fmt::format("{} in every run folder", kFile);
  return show(all, fmt::format("{}\nwritten to {}\n", describe(results, request), where), flags);
}

}  // namespace

Command add_sharpness(CLI::App& program) {
  auto* command = program.add_subcommand(
      "sharpness", "measure how wide and flat the minimum is that a finished run found");
  auto flags = std::make_shared<SharpnessFlags>();
  flags->samples = 500;
  add_instrument_flags(*command, *flags,
                       "training examples the loss is taken over, drawn balanced; 0: all",
                       "of the examples and of all draws");
  command
      ->add_option("--measures", flags->measures,
                   "separated by commas; see `valley list measures`; nothing: all that apply")
      ->delimiter(',');
  add_number(*command, "--draws", flags->draws, "of every mean over random points or vectors");
  add_number(*command, "--kappa", flags->kappa,
             "mean-valley: the valley ends where the loss is kappa times that of the average");
  command
      ->add_option("--search", flags->search,
                   "mean-valley: bisect, or step: walk until the first crossing")
      ->capture_default_str();
  add_number(*command, "--step", flags->step,
             "mean-valley: length of a step; bisect: of the first");
  command
      ->add_option("--batch-norm", flags->batch_norm,
                   "average: the statistics of the average model everywhere; probe: re-estimated "
                   "wherever the loss is taken, at twice the cost")
      ->capture_default_str();
  command->add_flag("--normalise", flags->normalise,
                    "measure in weights whose rows (filters) have length 1");
  add_number(*command, "--rho", flags->rho, "sam: radius of the ball");
  add_number(*command, "--lanczos", flags->lanczos, "lambda-max: Lanczos vectors at most");
  add_number(*command, "--memory", flags->memory, "GB; Lanczos keeps fewer vectors and says so");
  command->add_option("--out", flags->out,
                      "write all results to this JSON file, not to sharpness.json in the runs");
  command->footer(
      "What each measure is, costs, and when it misleads: docs/measures.md. Examples:\n"
      "  valley sharpness runs/first\n"
      "  valley sharpness runs/compare --measures mean-valley,lambda-max --samples 0\n"
      "  valley sharpness runs/a runs/b --json --quiet");
  return [flags] { return sharpness(*flags); };
}

}  // namespace valley::app
