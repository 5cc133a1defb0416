#pragma once

#include <cstdint>
#include <optional>

#include "valley/comm/communicator.h"

namespace valley {

/// What has gone over this worker's own connections, beside the payload that is counted by
/// operation: the values, whatever a ring or a tree makes of them, and what is said around them.
/// Framing of TCP and below is not in it.
struct Traffic {
  int64_t sent = 0;          ///< bytes the kernel has taken
  int64_t acknowledged = 0;  ///< bytes that the kernels of the others have confirmed (TCP_INFO)

  friend Traffic operator-(const Traffic& a, const Traffic& b) {
    return {a.sent - b.sent, a.acknowledged - b.acknowledged};
  }
};

/// A communicator that counts it. Parts (Communicator::split) have connections of their own.
class CountsTraffic {
 public:
  virtual ~CountsTraffic() = default;
  /// May be called between operations, not during one.
  virtual Traffic traffic() const = 0;
};

/// None where the transport is not Valley's own: threads that share memory, MPI, a process group.
std::optional<Traffic> traffic_of(const Communicator& comm);

}  // namespace valley
