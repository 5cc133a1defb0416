#pragma once

#include "valley/comm/communicator.h"

namespace valley {

/// How far this worker's clock, now_seconds(), is ahead of worker 0's, and how well that is known.
struct ClockOffset {
  double ahead = 0;   ///< seconds
  double within = 0;  ///< seconds, at most so wrong: half of the quickest round trip
};

/// A communicator whose workers may have clocks of their own: they are processes.
class HasClocks {
 public:
  virtual ~HasClocks() = default;

  /// All workers together, before any operation. Four round trips of 8 bytes between worker 0 and
  /// each other one, all at a time: the middle of the quickest is when worker 0 looked at its
  /// clock.
  virtual void compare_clocks() = 0;
  virtual ClockOffset clock_offset() const = 0;
};

/// Of workers that share memory, or were not compared: none.
inline ClockOffset clock_offset(const Communicator& comm) {
  const auto* clocks = dynamic_cast<const HasClocks*>(&comm);
  return clocks != nullptr ? clocks->clock_offset() : ClockOffset();
}

inline void compare_clocks(Communicator& comm) {
  if (auto* clocks = dynamic_cast<HasClocks*>(&comm)) clocks->compare_clocks();
}

}  // namespace valley
