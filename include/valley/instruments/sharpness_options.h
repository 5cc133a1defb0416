#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "valley/analysis/batch_norm_at.h"
#include "valley/analysis/measure_options.h"

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
  std::string along = {};
};

/// Every option: visitor(key, member, what it means).
template <typename Visitor>
void visit(SharpnessOptions& o, Visitor&& visitor) {
  visitor("measures", o.measures,
          "separated by commas; see `valley list measures`; nothing: all that apply");
  visitor("samples", o.samples,
          "training examples the loss is taken over, of every class its share; 0: all");
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
  visitor("along", o.along,
          "run folder, whose workers' gaps stand for those of the run: mean-valley and others of "
          "workers; empty: its own");
}

/// "bisect" or "step"
std::string_view name(ValleySearch search);

/// The inverse. @throws UsageError
ValleySearch parse_search(const std::string& text);

/// @throws UsageError if one is out of range, or for a measure that is unknown or given twice.
void check(const SharpnessOptions& options);

/// What they ask of the measures.
MeasureOptions measuring(const SharpnessOptions& options);

}  // namespace valley
