#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

/// What the communicators of one worker have in common: that of the whole group and those of the
/// parts split off it. For any thread.
class Communicator::Family {
 public:
  void enter(Communicator& member);

  /// Twice is as good as once. Parts split off it stay, without a parent.
  void leave(Communicator& member);

  /// The first text is the cause of all others. The peers of the other communicators are told that
  /// the worker of that global rank is lost.
  void fail(const std::string& text, const Communicator& where, int global_rank,
            const std::string& reason) noexcept;

  /// Tells the peers of all.
  void abort(const std::string& reason) noexcept;

  /// @throws CommError
  void throw_if_failed();

  /// member.stats_ and those of its parents.
  void add(Communicator& member, Operation operation, const OperationStats& more);

  std::atomic<bool> stop_requested = false;

 private:
  std::mutex mutex_;  // guards all below, and parent_ and stats_ of the members
  std::vector<Communicator*> members_;
  std::string failure_;  // empty: none
};

}  // namespace valley
