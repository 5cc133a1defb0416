#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/core/error.h"
#include "valley/models/model.h"
#include "valley/models/safetensors.h"

namespace valley {

/// Everything one worker needs to go on with the same bits.
struct WorkerState {
  std::vector<NamedTensor> tensors;  ///< x, buffers, optimizer/..., algorithm/..., generator; view,
                                     ///< where it is not x
  std::string values = {};           ///< JSON: step, meters, layout: what is no tensor

  /// Where the worker stood: x with all applied that its algorithm held pending.
  at::Tensor view() const;
};

/// What all workers of a checkpoint share.
struct Manifest {
  int64_t step = 0;  ///< local steps done
  int64_t total_steps = 0;
  int workers = 0;
  std::string algorithm;
  std::string model;
  std::vector<FileSum> files = {};  ///< of every worker's file; save() fills it in. None in
                                    ///< checkpoints of versions that wrote no checksums
};

/// Of a run's checkpoints none can be gone on from.
class NoWholeCheckpoint : public IoError {
  using IoError::IoError;
};

/// A checkpoint on the disk:
///
///     checkpoints/step-00000120/worker-0.safetensors ...   one a worker, each written by its own
///                               manifest.json              last: without it there is no checkpoint
///
/// Every file carries a checksum, and the manifest those of the workers' files, so that none of
/// another checkpoint passes for one of this. Every file goes through a temporary name, fsync and
/// rename, so an interruption or a full disk at any moment leaves the earlier checkpoints whole.
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
  /// @throws DamagedFile if its manifest is damaged.
  std::optional<Manifest> latest(std::string_view what_to_do = kResumeEarlier) const;

  /// The newest one whose manifest is whole; the workers' files are not looked at.
  std::optional<Manifest> latest_readable() const;

  /// @throws DamagedFile if the file is missing, damaged or of another checkpoint; says what to do.
  WorkerState load(const Manifest& manifest, int worker,
                   std::string_view what_to_do = kResumeEarlier) const;

  /// Called by all workers together, to go on with a run: the newest checkpoint that is whole on
  /// every worker, the same on all; nothing if there is none at all. `load` reads what this worker
  /// needs of a checkpoint. Where it throws DamagedFile on any worker, an older one is tried.
  /// Damaged ones are set aside in the end: their folder becomes step-00000120.damaged, which is no
  /// checkpoint any more and is never removed; worker 0 hands `say` a sentence on each.
  /// @throws NoWholeCheckpoint on all workers if there are some; nothing is set aside then.
  std::optional<Manifest> take_newest_whole(
      Communicator& comm, const std::function<void(const Manifest&)>& load,
      const std::function<void(const std::string&)>& say) const;

  std::filesystem::path path_of(int64_t step) const;

 private:
  void remove(int64_t step) const;
  Manifest read_manifest(int64_t step, std::string_view what_to_do) const;
  std::string set_aside(int64_t step) const;
  std::vector<int64_t> complete_steps() const;

  std::filesystem::path folder_;
};

}  // namespace valley
