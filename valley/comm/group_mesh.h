#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <utility>
#include <vector>

#include "valley/comm/lookout.h"

namespace valley {

/// Memory as a tensor of bytes on the CPU; it must outlive it.
at::Tensor bytes_at(const void* data, int64_t bytes);

/// Calls f; what it throws is a PeerError of that peer, but GivenUp stays what it is.
void about_peer(int peer, const std::function<void()>& f);

/// The sends and receives of a c10d group, with tags from `first_tag` on, in the place of a
/// TcpMesh.
class GroupMesh {
 public:
  GroupMesh(c10d::ProcessGroup& group, Lookout& lookout, int first_tag)
      : group_(group), lookout_(lookout), first_tag_(first_tag) {}

  int rank() const { return group_.getRank(); }
  int size() const { return group_.getSize(); }

  /// See TcpMesh::Buffer. @throws PeerError, GivenUp
  class Buffer {
   public:
    Buffer(GroupMesh& mesh, const void* data)
        : mesh_(mesh), data_(static_cast<const char*>(data)) {}

    void send(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void receive(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void wait_sent(int peer) { wait(sent_, peer); }
    void wait_received(int peer) { wait(received_, peer); }

   private:
    using Works = std::deque<std::pair<int, c10::intrusive_ptr<c10d::Work>>>;
    void wait(Works& works, int peer);

    GroupMesh& mesh_;
    const char* data_;
    Works sent_, received_;  // by peer, in their order
  };

  /// A connection that is closed does not take a message; nobody waits for this one, with that
  /// slot.
  std::vector<int> closed_peers(uint64_t slot);

 private:
  int tag(uint64_t slot) const { return first_tag_ + static_cast<int>(slot); }

  c10d::ProcessGroup& group_;
  Lookout& lookout_;
  const int first_tag_;
};

}  // namespace valley
