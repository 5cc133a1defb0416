#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/optim/flat_parameters.h"
#include "valley/record/run_folder.h"
#include "valley/task/task.h"
#include "valley/train/run_config.h"
#include "valley/train/summary.h"

namespace valley {

struct Manifest;

/// Where a run began and where its workers came to, as flat vectors [d] in the order of training
/// (FlatParameters with the run's decay rule).
struct RunWeights {
  at::Tensor average;               ///< x_A, the model the run left
  std::vector<at::Tensor> workers;  ///< x_m, after the last step
  at::Tensor initial;               ///< x_0; undefined if an older run's TorchScript file is gone
  std::vector<NamedRange> ranges;   ///< which parameter is where
};

/// What a finished run left in its folder, for whoever looks at the minimum it found.
///
///     const FinishedRun run = FinishedRun::open("runs/first");
///     const DataSplits data = run.load_data();
///     const RunWeights weights = run.load_weights(data);
///     const auto model = run.make_model(data);      // one a thread
class FinishedRun {
 public:
  /// Reads what is small, and sees whether the rest is there.
  /// @throws UsageError if the folder is no run, or if the run is not finished.
  static FinishedRun open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const RunConfig& config() const { return config_; }
  const Summary& summary() const { return summary_; }
  int workers() const;
  /// Where class weights are balanced, the training set is read for them, once. @throws UsageError
  const Task& task() const;
  DecayRule decay_rule() const { return config_.decay_rule; }

  /// Models and weights are on this device from now on, wherever the run trained: the CPU, unless
  /// something else is said. @throws UsageError as find_device()
  void put_on(const std::string& device);

  /// The data that the run trained on. @throws UsageError
  DataSplits load_data() const;

  /// A model of its own with the average weights, and BatchNorm statistics re-estimated for them.
  /// @throws UsageError
  std::unique_ptr<Model> make_model(const DataSplits& data) const;

  /// Memory: (workers + 2) d, and what a checkpoint of one worker holds.
  /// @throws UsageError if a file is missing, cut short or of another model, or a weight is not
  ///     finite.
  RunWeights load_weights(const DataSplits& data) const;

 private:
  FinishedRun() = default;

  at::Tensor load_worker(int worker, int64_t size) const;

  std::string folder_;
  RunConfig config_;
  Summary summary_;
  std::shared_ptr<const Manifest> manifest_;  // of the last checkpoint
  mutable const Task* task_ = nullptr;        // once it was asked for
};

/// The run folders meant by what a person gave: a run folder is one, and a folder of runs (that of
/// `valley compare`) is all of them, by name. @throws UsageError for any other folder.
std::vector<std::string> run_folders(const std::vector<std::string>& given);

/// Runs that were opened, and of a folder of runs those that could not be: "runs/a is interrupted".
struct OpenedRuns {
  std::vector<FinishedRun> runs;
  std::vector<std::string> left_out;  ///< one sentence each
};

enum class RunsAre { kWritten, kRead };

/// The runs that run_folders() means, opened. Of a folder of runs those that are not finished are
/// left out, unless none is left.
/// @throws UsageError as above; for none; for one given twice, or named and not finished; and,
/// where
///     results go into their folders, for one that cannot be written to.
OpenedRuns open_runs(const std::vector<std::string>& given, RunsAre use = RunsAre::kWritten);

}  // namespace valley
