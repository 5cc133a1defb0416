#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/models/model.h"

namespace valley {

/// Everything one worker needs to go on with the same bits.
struct WorkerState {
  std::vector<NamedTensor> tensors;  ///< x, buffers, optimizer/..., algorithm/..., generator
  std::string values;                ///< JSON: step, meters, layout: what is no tensor
};

/// What all workers of a checkpoint share.
struct Manifest {
  int64_t step = 0;  ///< local steps done
  int64_t total_steps = 0;
  int workers = 0;
  std::string algorithm;
  std::string model;
};

/// A checkpoint on the disk:
///
///     checkpoints/step-00000120/worker-0.safetensors ...   one a worker, each written by its own
///                               manifest.json              last: without it there is no checkpoint
///
/// Every file goes through a temporary name, fsync and rename, so an interruption or a full disk
/// at any moment leaves the earlier checkpoints whole.
class Checkpoints {
 public:
  static constexpr std::string_view kResumeEarlier =
      "remove its folder to resume from an earlier checkpoint";

  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Called by all workers together: everyone writes its state, then worker 0 the manifest, and
  /// removes all but the newest `keep`, and those of later steps: they are of an earlier number of
  /// workers, whose steps counted differently. @throws IoError (on every worker CommError or
  /// IoError)
  void save(Communicator& comm, const Manifest& manifest, const WorkerState& state,
            int64_t keep) const;

  /// The newest complete checkpoint; nothing if there is none.
  /// @throws UsageError if its manifest is damaged.
  std::optional<Manifest> latest(std::string_view what_to_do = kResumeEarlier) const;

  /// @throws UsageError if the file is missing, cut short or of another run; says what to do.
  WorkerState load(const Manifest& manifest, int worker,
                   std::string_view what_to_do = kResumeEarlier) const;

  std::filesystem::path path_of(int64_t step) const;

 private:
  void remove(int64_t step) const;
  std::vector<int64_t> complete_steps() const;

  std::filesystem::path folder_;
};

}  // namespace valley
