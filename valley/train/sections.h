#pragma once

#include <functional>
#include <utility>

#include "valley/train/keepsake.h"
#include "valley/train/run_checkpoint.h"
#include "valley/train/worker.h"

namespace valley {

/// What the workers of a run do together, as sections where their group may change (keepsake.h);
/// without a keepsake, just so.
class Sections {
 public:
  Sections(Worker& worker, RunCheckpoint& checkpoint)
      : worker_(worker), checkpoint_(checkpoint), keep_(worker.options.keepsake) {}

  /// All workers together: they go on where each stood in the former group, if there was one, else
  /// from the disk, if they are to; else they begin.
  RunCheckpoint::Restored restore(const RunCheckpoint::Say& say);

  /// The group trains from here on. Too small a one saves what it has.
  /// @throws CommError then
  void begin(const std::function<void()>& save);

  /// Whether the step's own part was done in the former group, so that only its end is left; once.
  bool take_half_step() { return std::exchange(half_, false); }

  /// The end of a step; `work` gives whether the run is to end here, after a step that is not the
  /// last. @throws Regroup if somebody waits to be let in; CommError
  bool end_step(const std::function<bool()>& work);

  /// The end of the run, which is not a section: it is done again as a whole.
  template <typename Work>
  auto end_run(const Work& work) {
    if (keep_ != nullptr) keep_->after = copy(state());
    return work();
  }

 private:
  bool anything_due() const;
  WorkerState state() const;
  static WorkerState copy(WorkerState state);
  void commit(bool ends);

  Worker& worker_;
  RunCheckpoint& checkpoint_;
  Keepsake* keep_;
  bool half_ = false;
};

}  // namespace valley
