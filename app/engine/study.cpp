#include "valley/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "app/engine/run.h"
#include "app/engine/stop.h"
#include "app/exit_code.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/picture/table.h"
#include "valley/runs/outcome.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

std::string with_error(const std::optional<double>& tau, const std::optional<double>& error) {
  return coefficient(tau) + (error ? fmt::format(" ± {:.2f}", *error) : "");
}

std::string ranking_table(const Study& study, const StudyResult& result) {
  std::vector<Table::Column> columns = {
      {"measure"}, {"tau-b", Table::Align::kRight}, {"granulated", Table::Align::kRight}};
  for (const ConfigAxis& axis : study.axes) {
    if (axis.key != "seed") columns.push_back({axis.key, Table::Align::kRight});
  }
  columns.push_back({"runs", Table::Align::kRight});
  Table table(columns);
  for (const MeasureRank& rank : result.ranking) {
    std::vector<std::string> cells = {rank.measure, with_error(rank.tau, rank.standard_error),
                                      with_error(rank.granulated, rank.granulated_error)};
    for (size_t i = 0; i < study.axes.size(); ++i) {
      if (study.axes[i].key != "seed") cells.push_back(coefficient(rank.granulated_by_axis[i]));
    }
    cells.push_back(fmt::format("{}", rank.runs));
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

// What the reader of the table must know of the runs behind it.
std::string account(const Study& study, const StudyResult& result) {
  const std::vector<const StudyRun*> ranked = result.ranked();
  std::string text = fmt::format("{} of {} runs", ranked.size(), result.runs.size());
  for (const StudyRun& run : result.runs) {
    if (run.status == StudyStatus::kDiverged) text += fmt::format("\n  {} diverged", run.name);
    if (run.status == StudyStatus::kShort)
      text += fmt::format("\n  {} ended at training loss {:.3g}, not {}", run.name,
                          run.summary.train.loss(), study.shared.until_loss);
  }
  if (ranked.empty()) return text + "\n";
  std::vector<double> losses, gaps;
  for (const StudyRun* run : ranked) {
    losses.push_back(run->summary.train.loss());
    gaps.push_back(run->summary.generalization_gap);
  }
  const ScoreInfo score = result.sheet().main();
  const auto [least, most] = std::minmax_element(losses.begin(), losses.end());
  const auto [narrow, wide] = std::minmax_element(gaps.begin(), gaps.end());
  text += fmt::format(
      "\ntraining loss {:.3g} to {:.3g}, generalisation gap {} to {}", *least, *most,
      score.is_share ? fmt::format("{:.2f}", 100 * *narrow) : score_difference(score, *narrow),
      score_difference(score, *wide));
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

StudyWork work_of(bool quiet) {
  StudyWork work;
  work.train = [quiet](const RunConfig& config, const std::string& title) {
    return train_one_of_several(config, title, quiet);
  };
  work.measure = [quiet](const FinishedRun& run, const SharpnessRequest& request) {
    const auto progress = progress_unless(quiet);
    const SharpnessResult result =
        measure_sharpness(run, request, {.progress = progress.get(), .stop = &stop_on_signals()});
    progress->finish();
    return result;
  };
  if (!quiet)
    work.say = [](const std::string& line) { std::cerr << spell_keys(line, "--") + "\n"; };
  work.stopped = [] { return stop_on_signals().load(); };
  return work;
}

}  // namespace

int study(const StudyFlags& flags) {
  const std::string out =
      flags.out.empty() ? "runs/" + fs::path(flags.recipe).stem().string() : flags.out;
  const Study study = read_study(read_file(flags.recipe), flags.recipe, out, flags.threads());
  if (flags.print_runs) {
    print_runs(study);
    return exit_code::kDone;
  }
  require_trainable(named_runs(study));
  const StudyResult result = run_study(study, work_of(flags.quiet));
  if (result.interrupted) {
    std::cerr << "valley: interrupted; the same command goes on from here\n";
    return exit_code::kInterrupted;
  }
  const Json json = to_json(study, result);
  write_json(fs::path(out) / "study.json", json);
  if (result.ranking.empty()) {
    std::cerr << account(study, result)
              << fmt::format(
                     "valley: {} of {} runs have what it takes to be ranked, {} are needed; more "
                     "epochs, a higher until-loss or a smaller lr may help\n",
                     result.ranked().size(), result.runs.size(), kFewestRanked);
    return exit_code::kDiverged;
  }
  write_atomically(fs::path(out) / "study.svg", study_svg(study, result));
  return show(
      json,
      fmt::format("{}\n{}\nwritten to {}: study.json, study.svg, and a run folder for every "
                  "point of the grid\n",
                  ranking_table(study, result), account(study, result), out),
      flags.json);
}

}  // namespace valley::app
