#include "valley/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/core/atomic_file.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"
#include "valley/record/units.h"
#include "valley/runs/outcome.h"

namespace valley {
namespace {

namespace fs = std::filesystem;

bool diverged_already(const fs::path& folder) {
  return fs::exists(folder / RunFolder::kConfig) &&
         run_state(RunFolder::open(folder)).kind == RunState::Kind::kDiverged;
}

// Measured now, or by an earlier call with the same options.
RecordedMeasures measures_of(const std::string& folder, const Study& study, const StudyWork& work) {
  const fs::path file = fs::path(folder) / kSharpnessFile;
  const auto has = [](const RecordedMeasures& measures, const std::string& name) {
    return std::any_of(measures.begin(), measures.end(),
                       [&](const auto& measure) { return measure.first == name; });
  };
  const auto there = recorded_measures(file, study.request.options);
  const auto& wanted = study.request.measures;
  if (there && std::all_of(wanted.begin(), wanted.end(),
                           [&](const MeasureEntry* entry) { return has(*there, entry->name); }))
    return *there;
  FinishedRun run = FinishedRun::open(folder);
  run.put_on(study.shared.device);
  write_sharpness(file, work.measure(run, study.request));
  return recorded_measures(file, study.request.options).value();
}

StudyRun run_one(const Study& study, const GridRun& run, const std::string& title,
                 const StudyWork& work) {
  const auto say = [&](const std::string& line) {
    if (work.say) work.say(line);
  };
  StudyRun result{.name = run.name, .folder = run.config.out, .place = run.place};
  result.status = StudyStatus::kDiverged;
  // A run that diverged would do so again.
  if (diverged_already(result.folder)) {
    say(result.folder + " has diverged already");
    return result;
  }
  try {
    result.summary = work.train(run.config, title);
  } catch (const Diverged& error) {
    say("diverged: " + error.marked());
    return result;
  }
  result.status = StudyStatus::kInterrupted;
  if (result.summary.status != RunState::Kind::kFinished) return result;
  result.status = StudyStatus::kShort;
  if (run.config.until_loss > 0 && result.summary.train.loss() > run.config.until_loss)
    return result;
  try {
    result.measures = measures_of(result.folder, study, work);
  } catch (const Stopped&) {
    result.status = StudyStatus::kInterrupted;
    return result;
  }
  result.measures.emplace_back(kControlMeasure, result.summary.train.loss());
  result.status = StudyStatus::kFinished;
  return result;
}

std::vector<MeasureRank> ranking(const Study& study, const std::vector<const StudyRun*>& runs) {
  const auto rank = [&](const std::string& measure, bool larger_is_sharper) {
    std::vector<RankedRun> with;
    for (const StudyRun* run : runs) {
      if (const auto value = run->value(measure))
        with.push_back({run->place, *value, run->summary.generalization_gap});
    }
    return rank_measure(measure, larger_is_sharper, with, study.axes);
  };
  std::vector<MeasureRank> ranks;
  for (const MeasureEntry* entry : study.request.measures) {
    ranks.push_back(rank(entry->name, entry->larger_is_sharper));
  }
  std::stable_sort(ranks.begin(), ranks.end(), [](const MeasureRank& a, const MeasureRank& b) {
    return a.tau.value_or(-2) > b.tau.value_or(-2);
  });
  ranks.push_back(rank(kControlMeasure, true));
  return ranks;
}

}  // namespace

std::string_view name(StudyStatus status) {
  switch (status) {
    case StudyStatus::kFinished:
      break;
    case StudyStatus::kShort:
      return "short";
    case StudyStatus::kDiverged:
      return "diverged";
    case StudyStatus::kInterrupted:
      return "interrupted";
  }
  return "finished";
}

std::optional<double> StudyRun::value(const std::string& measure) const {
  for (const auto& [name, value] : measures) {
    if (name == measure) return value;
  }
  return std::nullopt;
}

std::vector<const StudyRun*> StudyResult::ranked() const {
  std::vector<const StudyRun*> result;
  for (const StudyRun& run : runs) {
    if (run.ranked()) result.push_back(&run);
  }
  return result;
}

ScoreSheet StudyResult::sheet() const {
  for (const StudyRun& run : runs) {
    if (run.has_summary()) return run.summary.sheet;
  }
  return classification_scores();
}

StudyResult run_study(const Study& study, const StudyWork& work) {
  fs::create_directories(study.out);
  write_atomically(fs::path(study.out) / kStudyRecipe, study.recipe);
  const double start = now_seconds();
  StudyResult result;
  double busy = 0, worked = 0;  // with runs that were not there already
  for (const GridRun& run : study.runs) {
    const size_t done = result.runs.size(), all = study.runs.size();
    std::string title = fmt::format("[{}/{}] {}", done + 1, all, run.name);
    if (worked > 0) {
      const auto left = static_cast<double>(all - done);
      title += fmt::format(", about {} left", format_seconds(busy / worked * left));
    }
    const bool there = finished_outcome(run.config.out).has_value();
    const double began = now_seconds();
    result.runs.push_back(run_one(study, run, title, work));
    if (!there) {
      busy += now_seconds() - began;
      ++worked;
    }
    result.interrupted =
        result.runs.back().status == StudyStatus::kInterrupted || (work.stopped && work.stopped());
    if (result.interrupted) return result;
  }
  const std::vector<const StudyRun*> ranked = result.ranked();
  if (ranked.size() >= kFewestRanked) result.ranking = ranking(study, ranked);
  result.seconds = now_seconds() - start;
  return result;
}

}  // namespace valley
