#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "valley/core/scores.h"
#include "valley/record/json_file.h"
#include "valley/record/run_state.h"
#include "valley/record/verdict.h"

namespace valley {

/// Where the wall time of a worker went, in seconds.
struct PhaseSeconds {
  double compute = 0;      ///< gradient and optimizer
  double communicate = 0;  ///< in the algorithm's hooks, without the waiting
  double wait = 0;         ///< in operations, until the slowest worker had come
  double data = 0;         ///< gathering and augmenting batches
  double evaluate = 0;     ///< evaluations of the average model, BatchNorm included
  double probe = 0;        ///< probes (--probe)
  double total = 0;        ///< from the first step to the last, everything included
};

/// What the probes of a run took, beside their seconds.
struct ProbeCost {
  int64_t count = 0;
  double passes = 0;  ///< forward passes over the probe's examples, by all workers together
  int64_t bytes = 0;  ///< payload sent for them by one worker; not in comm_bytes_per_worker

  ProbeCost& operator+=(const ProbeCost& other);
};

Json to_json(const ProbeCost& cost);
ProbeCost probe_cost_from(const Json& json);

/// The outcome of a run: what summary.json holds. Scores are those of the average model; their keys
/// are formed from their names: "train_loss", "test_accuracy", "chance_accuracy".
struct Summary {
  RunState::Kind status = RunState::Kind::kFinished;  ///< or kInterrupted
  std::string algorithm, model, data;
  int workers = 0;
  std::string backend;
  uint64_t seed = 0;
  int64_t parameters = 0;  ///< d
  int64_t steps = 0;       ///< local steps done
  double epochs = 0;
  ScoreSheet sheet = classification_scores();  ///< what the scores are
  Scores train = {}, test = {};
  std::vector<Scores> test_by_worker = {};  ///< see Evaluation; empty where all is shared
  Scores validation = {};         ///< of the same model; empty where there is no validation set
  int64_t model_step = -1;        ///< of that model, where it was chosen by the validation set
  double generalization_gap = 0;  ///< of the headline, see core/scores.h
  Verdict verdict = Verdict::kUnknown;                           ///< of a finished run
  double first_loss = std::numeric_limits<double>::quiet_NaN();  ///< see EndFigures
  std::optional<double> chance = {};  ///< the headline of sheet.chance on the test set
  double valley_width = 0;            ///< mean_m ||x_m - x_A|| of the final workers
  double predicted_width = 0;         ///< lambda / alpha of the last round
  int64_t rounds = 0;
  int64_t comm_bytes_per_worker = 0;  ///< payload sent to train, mean over workers
  double comm_fraction_of_ssgd = 0;   ///< that, as a share of d values in every step
  PhaseSeconds seconds;               ///< mean over workers
  ProbeCost probes;
  double samples_per_second = 0;  ///< of all workers, evaluation and probes left out
  int64_t peak_rss_bytes = 0;     ///< of worker 0's process

  Json to_json() const;

  /// The headline of the average model, on the test set.
  double headline() const { return test[sheet.main().name]; }

  /// What a person must know of this outcome, see caution(); "" if nothing.
  std::string caution() const;
};

/// The inverse of to_json(). The verdict and what belongs to it may be missing: earlier versions
/// wrote none. @throws UsageError if another field is.
Summary summary_from(const Json& json);

}  // namespace valley
