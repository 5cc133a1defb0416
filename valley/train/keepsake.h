#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/data/loader.h"
#include "valley/record/json_file.h"
#include "valley/train/checkpoint.h"
#include "valley/train/recorder.h"

namespace valley {

/// Thrown when all workers have come to the end of what they do together, and somebody waits to be
/// let in: they gather anew.
struct Regroup : std::exception {
  const char* what() const noexcept override { return "another group is formed"; }
};

/// What a worker keeps of its training while the group around it changes. A Trainer lives as long
/// as its group, this as long as the worker.
///
/// What the workers do together at the end of a step, the round and what else is due, is one
/// *section*: it takes place for all that go on, or for none. Before it everyone keeps where it
/// stands; after it all meet once more, which commits it. Who fails in that last meeting does not
/// know whether it was committed: it is, if anybody of the next group has gone past it, since
/// nobody does before all have come to it; else all go back to where they stood before, with all
/// local steps, and do it again as the group they are then.
struct Keepsake {
  enum class Phase {
    kCommitted,  ///< no section is under way
    kOpen,       ///< one is
    kDone,       ///< this worker has come to its end, and does not know of the others
  };

  Keepsake();
  ~Keepsake();

  int full_workers = 1;               ///< by whose number steps and epochs are counted
  bool too_few = false;               ///< the group is to save what it has, and end
  std::function<bool()> called = {};  ///< whether somebody waits to be let in

  int64_t sections = 0;  ///< committed
  int64_t step = 0;      ///< local steps done when the last one was
  Phase phase = Phase::kCommitted;
  Deal deal;                                 ///< of the group of now
  int workers = 1;                           ///< in it
  std::optional<WorkerState> before, after;  ///< the section under way
  double loss = 0;                           ///< of the step that it ends
  KeptRecord record;                         ///< see Recorder

  /// Where to go on: after the last section, or before the one that is done again. Nothing before
  /// the first section: the run begins, or goes on from the disk.
  const WorkerState* standing() const;

  /// The group begins with batches that nobody has had, at that step.
  void deal_out(int64_t step);

  /// For the others of the next group, in one line; "" if this worker is new.
  std::string word() const;
};

/// All workers of a new group together, by what each has said: settles whether the last section
/// was committed, and brings newcomers to where another worker stands. Returns the rank of that
/// one; -1 if all are new.
/// Cost: with a newcomer a broadcast of what a checkpoint holds.
int settle(Keepsake& keepsake, Communicator& comm, const std::vector<std::string>& words);

}  // namespace valley
