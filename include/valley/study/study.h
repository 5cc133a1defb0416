#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/instruments/sharpness_json.h"
#include "valley/study/ranking.h"
#include "valley/study/recipe.h"

/// Trains the runs of a study, measures their minima, and ranks the measures by the gap they
/// explain.
///
///     const Study study = read_study(read_file("study.toml"), "study.toml", "runs/study");
///     require_trainable(named_runs(study));
///     const StudyResult result = run_study(study);
///     write_json("runs/study/study.json", to_json(study, result));
namespace valley {

enum class StudyStatus {
  kFinished,
  kShort,  ///< of the training loss that the recipe asks for
  kDiverged,
  kInterrupted,
};
std::string_view name(StudyStatus status);

/// One run of the grid and what came of it.
struct StudyRun {
  std::string name = {}, folder = {};
  std::vector<int64_t> place = {};  ///< which value of every axis
  StudyStatus status = StudyStatus::kFinished;
  Summary summary = {};            ///< unless it diverged or was interrupted
  RecordedMeasures measures = {};  ///< of a finished one; the last is kControlMeasure

  bool ranked() const { return status == StudyStatus::kFinished; }
  bool has_summary() const { return ranked() || status == StudyStatus::kShort; }

  /// None where the measure has no meaning or no value.
  std::optional<double> value(const std::string& measure) const;
};

/// What a measure must beat: the runs' training loss.
inline constexpr const char* kControlMeasure = "training-loss";

struct StudyResult {
  std::vector<StudyRun> runs = {};
  std::vector<MeasureRank> ranking =
      {};                    ///< the best first, the control last; none for too few runs
  bool interrupted = false;  ///< then there are fewer runs, and no ranking
  double seconds = 0;

  std::vector<const StudyRun*> ranked() const;

  /// What the scores of the runs are.
  ScoreSheet sheet() const;
};

/// How a study does its work. By default it is silent, and nothing stops it.
struct StudyWork {
  std::function<Summary(const RunConfig& config, const std::string& title)> train =
      [](const RunConfig& config, const std::string& title) {
        return train_or_resume(config, title);
      };
  std::function<SharpnessResult(const FinishedRun& run, const SharpnessRequest& request)> measure =
      [](const FinishedRun& run, const SharpnessRequest& request) {
        return measure_sharpness(run, request);
      };
  std::function<void(const std::string& line)> say = {};  ///< for a person
  std::function<bool()> stopped = {};                     ///< asked after every run
};

/// Makes the study's folder and trains and measures what is not there yet: an interrupted study
/// goes on. @throws UsageError, IoError and what a training throws, but for Diverged.
StudyResult run_study(const Study& study, const StudyWork& work = {});

/// What study.json holds; the measures as sharpness.json of the runs has them.
Json to_json(const Study& study, const StudyResult& result);

/// Every measure against the gap; the colour says which value of the first axis.
std::string study_svg(const Study& study, const StudyResult& result);

/// "0.87"; "-" for none.
std::string coefficient(const std::optional<double>& value);

}  // namespace valley
