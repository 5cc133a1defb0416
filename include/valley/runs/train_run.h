#pragma once

#include <functional>
#include <string>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/data/notes.h"
#include "valley/train/job.h"

namespace valley {

/// Trains with config.workers workers that are threads of this process, and returns the summary.
/// The run folder exists.
Summary train_in_threads(const RunConfig& config, const DataSplits& data,
                         const JobContext& context);

/// One run of several.
struct NamedRun {
  std::string name;
  RunConfig config;
};

/// What only data and a rehearsal show to be wrong with runs that are still to be trained: else a
/// later one would be refused after hours of earlier ones. Each combination of data, model and
/// batches is tried once. @throws UsageError "NAME: ..."
void require_trainable(const std::vector<NamedRun>& runs);

/// Who watches the training of one run of several. The library prints nothing.
struct RunWatch {
  std::function<void(const std::string& line)> say = {};      ///< for a person
  std::function<void(const DataNotes& notes)> left_out = {};  ///< of the data set
  /// What the training has around it (`resume` aside). Asked for when nothing stands in its way any
  /// more.
  std::function<JobContext()> begin = {};
};

/// Trains a run in its folder, with threads: a finished one is not trained again, one that was
/// interrupted goes on. `title` is said when it begins.
///
///     RunConfig config;
///     config.data = "blobs", config.model = "mlp", config.out = "runs/first";
///     const Summary summary = train_or_resume(config, "first");
///
/// @throws UsageError if it is refused, and then a new folder is gone again; else what the training
///     throws.
Summary train_or_resume(const RunConfig& given, const std::string& title,
                        const RunWatch& watch = {});

/// runs/ALGORITHM-MODEL-seedSEED, with -2, -3, ... where that exists.
std::string free_run_folder(const RunConfig& config);

}  // namespace valley
