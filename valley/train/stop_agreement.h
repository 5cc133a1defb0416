#pragma once

#include <atomic>

#include "valley/comm/communicator.h"

namespace valley {

/// That a run stops because somebody wishes it: by a signal handler, say.
class StopAgreement {
 public:
  /// The wish is whether `flag` is true. May be null. Not owned.
  void set_flag(const std::atomic<bool>* flag) { flag_ = flag; }

  /// Whether the workers of `comm` have agreed to stop: on the wish of any of them, at their next
  /// operation.
  bool agreed(Communicator& comm) const {
    const bool wished = flag_ != nullptr && flag_->load(std::memory_order_relaxed);
    if (wished) comm.request_stop();
    // A single worker need not wait for its next operation.
    return comm.stop_agreed() || (comm.size() == 1 && wished);
  }

 private:
  const std::atomic<bool>* flag_ = nullptr;
};

}  // namespace valley
