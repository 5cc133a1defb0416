#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "valley/core/scores.h"
#include "valley/record/config_file.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/record/run_state.h"

namespace valley {

/// How much of a run goes into a report.
struct ReportLimits {
  size_t points = 2000;     ///< of a curve
  size_t buckets = 80;      ///< of the whole run, a worker
  size_t window = 48;       ///< spans of worker 0 in the stretch shown in full
  size_t bar_workers = 64;  ///< workers drawn one by one
};

/// Limits that keep a report of so many runs small: 50 runs below 30 MB.
ReportLimits limits_for(size_t runs);

/// What a report needs to know of a run.
struct ReportRun {
  std::filesystem::path path;
  std::string name;  ///< of the folder
  Config config;
  std::string algorithm;
  RunState::Kind status = RunState::Kind::kBrokenOff;
  std::string reason;   ///< why it diverged or is damaged; "" where nobody knows
  std::string reached;  ///< how far it came, in words: "step 120 (epoch 8)"
  Json summary;         ///< null where the run did not end
  ScoreSheet sheet = classification_scores();  ///< what its scores are
  Json curves;                                 ///< see curves_of()
  Json timeline;                               ///< see timeline_of(); null without a trace
  Json landscapes;                   ///< a list, see landscape_of(), one a plane; null without
  Json classes;                      ///< see classes_of(); null without
  Json robust;                       ///< see robust_of(); null without
  Json sharpness;                    ///< see sharpness_of(); null without
  Json dynamics;                     ///< see dynamics_of(); null without
  Json noise;                        ///< see noise_of(); null without
  std::vector<std::string> damages;  ///< files left out: what is wrong with each, and what to do

  bool finished() const { return status == RunState::Kind::kFinished; }

  /// The value of a setting as the file has it, without quotes; "" where there is none.
  std::string setting(std::string_view key) const;

  /// A number of the summary ("seconds.total" looks inside); nothing where it is missing or null.
  std::optional<double> figure(std::string_view key) const;
};

/// Reads what is there: only config.toml must be. A damaged file of the others is left out, and
/// named in `damages`; a damaged summary is the run's status.
/// @throws UsageError if config.toml or metrics.jsonl is damaged.
ReportRun read_report_run(const RunFolder& folder, const ReportLimits& limits);

/// A JSON file that may be missing: null then. Null too if it is damaged, and then `damages` has
/// one sentence more: "REASON; REMEDY."
Json read_if_whole(const std::filesystem::path& path, const std::string& remedy,
                   std::vector<std::string>& damages);

/// The folders of runs that the arguments mean, each once, in the order given: a run folder, or a
/// folder that holds some, like that of `valley compare`, whose order of methods is kept.
/// @throws UsageError for one that is neither.
std::vector<RunFolder> find_runs(const std::vector<std::string>& arguments);

}  // namespace valley
