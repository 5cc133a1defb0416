#pragma once

#include <ATen/core/Tensor.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "valley/data/dataset.h"
#include "valley/models/model.h"
#include "valley/record/progress.h"
#include "valley/train/trainer.h"

/// What the tests of this room share: trainings that take milliseconds.
namespace valley {

enum class SmallModel {
  kPlain,      ///< two layers in float64
  kBatchNorm,  ///< a convolution, BatchNorm and dropout
  kDropout,    ///< two layers with dropout between
};
std::unique_ptr<Model> small_model(SmallModel kind, uint64_t seed = 0);

/// Images [N, 1, 6, 6] in bytes of four classes that a line separates well, and 40 to test.
DataSplits small_data(int64_t examples);

/// Six steps an epoch for `workers` workers on small_data(24 * workers), twenty steps in all.
TrainOptions small_options(const std::string& algorithm);
inline constexpr int64_t kSmallExamples = 24;  ///< per worker

struct SmallTraining {
  int workers = 1;
  TrainOptions options;
  DataSplits data = {};                                ///< empty: small_data(24 * workers)
  std::function<std::unique_ptr<Model>()> model = {};  ///< empty: kPlain
  Progress* progress = nullptr;
  const std::atomic<bool>* stop = nullptr;

  /// A setting of the algorithm, if it reads it.
  void set(const std::string& key, const SettingValue& value);
};

struct Outcome {
  std::vector<Summary> summaries;  ///< by worker
  std::vector<at::Tensor> x;       ///< by worker, after run(): the average
};

/// Trains in threads, each computing on one core.
Outcome train(const SmallTraining& training);

/// Every line of metrics.jsonl without what a clock measured.
std::vector<std::string> metrics_without_seconds(const std::filesystem::path& folder);

/// Keeps the messages; `on_update` sees every state.
class RecordingProgress : public Progress {
 public:
  void update(const ProgressState& state) override {
    last = state;
    if (on_update) on_update(state);
  }
  void message(std::string_view text) override { messages.emplace_back(text); }
  void finish() override {}

  std::function<void(const ProgressState&)> on_update;
  ProgressState last;
  std::vector<std::string> messages;
};

}  // namespace valley
