#include "valley/runs/training_folder.h"

#include <string_view>

#include "valley/record/run_folder.h"
#include "valley/runs/extension.h"
#include "valley/train/model_file.h"

namespace valley {

namespace fs = std::filesystem;

TrainingFolder::TrainingFolder(const RunConfig& config, bool resume, bool extend)
    : path_(config.out), new_(!resume) {
  std::error_code error;
  for (fs::path folder = path_; !folder.empty() && !fs::exists(folder, error);
       folder = folder.parent_path()) {
    if (folder.has_filename()) made_.push_back(folder);  // not the "" behind "runs/first/"
  }
  try {
    const RunFolder folder = resume ? RunFolder::open(path_) : RunFolder::create(path_);
    lock_ = std::make_unique<RunLock>(path_);
    // Before config.toml, which makes the folder a run.
    if (!resume) keep_model_file(config), keep_initial_weights(config);
    const Config values = to_recorded_config(config);
    if (extend) record_extension(config, read_config(folder.file(RunFolder::kConfig)), values);
    if (!resume || read_config(folder.file(RunFolder::kConfig)) != values) {
      folder.write_atomically(RunFolder::kConfig, config_text(values));
    }
  } catch (...) {
    withdraw();
    throw;
  }
}

void TrainingFolder::withdraw() const {
  std::error_code error;
  // Whatever comes up once something has been saved: it is kept.
  for (const auto saved : {RunFolder::kCheckpoints, RunFolder::kSummary}) {
    if (fs::exists(path_ / saved, error)) return;
  }
  if (new_ && lock_ != nullptr) {  // else it is another's
    for (const auto name :
         {RunFolder::kConfig, RunFolder::kMetrics, std::string_view("partition.json"),
          std::string_view(kInitialModel), std::string_view(kInitialRecord),
          std::string_view(kInitialWeights), std::string_view(kInitialWeightsRecord)}) {
      fs::remove(path_ / name, error);
    }
  }
  for (const fs::path& folder : made_) fs::remove(folder, error);  // if there is nothing in it
}

}  // namespace valley
