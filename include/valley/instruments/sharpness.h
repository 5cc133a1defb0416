#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "valley/analysis/measure_options.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/registry.h"
#include "valley/instruments/run_facts.h"

/// How wide and flat the minimum is that a finished run found.
///
///     const SharpnessRequest request = sharpness_request({.measures = {"sam", "lambda-max"}});
///     const SharpnessResult result = measure_sharpness(FinishedRun::open("runs/first"), request);
namespace valley {

/// The flags of `valley sharpness`, and the table [sharpness] of a study.
struct SharpnessOptions {
  std::vector<std::string> measures = {};  ///< none: all that apply
  int64_t samples = 500;
  int64_t seed = 0;
  int64_t draws = 20;
  double kappa = 2;
  ValleySearch search = ValleySearch::kBisect;
  double step = 0.1;
  BatchNormAt batch_norm = BatchNormAt::kModel;
  bool normalise = false;
  double rho = 0.05;
  int64_t lanczos = 60;
  double memory = 6;
};

/// Every option: visitor(key, member, what it means).
template <typename Visitor>
void visit(SharpnessOptions& o, Visitor&& visitor) {
  visitor("measures", o.measures,
          "separated by commas; see `valley list measures`; nothing: all that apply");
  visitor("samples", o.samples, "training examples the loss is taken over, drawn balanced; 0: all");
  visitor("seed", o.seed, "of the examples and of all draws");
  visitor("draws", o.draws, "of every mean over random points or vectors");
  visitor("kappa", o.kappa,
          "mean-valley: the valley ends where the loss is kappa times that of the average");
  visitor("search", o.search, "mean-valley: bisect, or step: walk until the first crossing");
  visitor("step", o.step, "mean-valley: length of a step; bisect: of the first");
  visitor("batch-norm", o.batch_norm,
          "average: the statistics of the average model everywhere; probe: re-estimated "
          "wherever the loss is taken, at twice the cost");
  visitor("normalise", o.normalise, "measure in weights whose rows (filters) have length 1");
  visitor("rho", o.rho, "sam: radius of the ball");
  visitor("lanczos", o.lanczos, "lambda-max: Lanczos vectors at most");
  visitor("memory", o.memory, "GB; Lanczos keeps fewer vectors and says so");
}

/// "bisect" or "step"
std::string_view name(ValleySearch search);

/// The inverse. @throws UsageError
ValleySearch parse_search(const std::string& text);

/// What they say, once they are known to make sense.
struct SharpnessRequest {
  SharpnessOptions options = {};
  std::vector<const MeasureEntry*> measures = {};
  bool required = false;  ///< a measure that a run lacks is an error, not a note
  MeasureOptions measuring = {};
  ObjectiveOptions objective = {};
};

/// `threads` share the batches; 0: one a core. @throws UsageError if an option is out of range.
SharpnessRequest sharpness_request(const SharpnessOptions& options, int threads = 0);

/// Of measures asked for by name: whether every one has a meaning for some of the runs. Of one run
/// each is then required; where others lack it, their results say so.
/// @throws UsageError with the first run's reason for a measure that no run has.
void require_measurable(const std::vector<FinishedRun>& runs, SharpnessRequest& request);

/// What one measure said.
struct Measured {
  const MeasureEntry* entry = nullptr;
  Measurement measurement;
  double seconds = 0;
};

struct SharpnessResult {
  RunFacts run = {};
  SharpnessOptions options = {};
  int64_t parameters = 0;
  double generalization_gap = 0;
  int64_t examples = 0, training_examples = 0;  ///< those it was taken over, and all
  double loss = 0, accuracy = 0;                ///< of the average, over the former
  std::vector<Measured> measures = {};
  double seconds = 0;
};

/// @throws UsageError if the run diverged, or lacks a measure that is required; Stopped soon after
///     *watch.stop has become true.
SharpnessResult measure_sharpness(const FinishedRun& run, const SharpnessRequest& request,
                                  const InstrumentWatch& watch = {});

}  // namespace valley
