#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "valley/comm/join.h"
#include "valley/comm/peer_error.h"
#include "valley/comm/store.h"
#include "valley/comm/traffic.h"

namespace valley {

/// Connections between all pairs of workers, over TCP. Errors name the peer.
///
/// It has no thread: bytes move while somebody sends or waits, and who waits for one peer serves
/// all. So a message costs nobody a wake-up but the worker that waits for it. One thread at a time
/// may use it; close() alone may come from any other.
class TcpMesh {
 public:
  /// @throws what connect_to_all() does.
  TcpMesh(const JoinOptions& options, Store& store);
  ~TcpMesh();

  int rank() const { return rank_; }
  /// Calls `tell` once in every wait of more than so many seconds: for that peer.
  void on_stall(double seconds, std::function<void(int peer, double waited)> tell) {
    stall_seconds_ = seconds;
    on_stall_ = std::move(tell);
  }

  int size() const { return static_cast<int>(peers_.size()); }

  /// Over all connections, their frames among it.
  Traffic traffic() const;

  /// Memory to send from or receive into. Messages between two workers in the same slot arrive
  /// in order; a buffer may have several in flight, and wait_*() waits for one of them.
  class Buffer {
   public:
    Buffer(TcpMesh& mesh, const void* data);
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    void send(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void receive(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void wait_sent(int peer);
    void wait_received(int peer);

   private:
    friend class TcpMesh;
    TcpMesh& mesh_;
    char* data_;
    std::vector<int> sent_, received_;  // by peer: through, and nobody has waited for it yet
    int under_way_ = 0;
  };

  /// Closes all connections at once and ends the waits of this worker; may be called from any
  /// thread.
  void close() noexcept;

 private:
  class Peer;

  Peer& usable(int peer);
  void wait(int peer, std::vector<int>& through, bool receiving);
  void poll_all(int peer, bool receiving, double seconds);

  const int rank_;
  const double timeout_seconds_;
  double stall_seconds_ = 0;
  std::function<void(int, double)> on_stall_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by rank; that of this worker: none
  std::atomic<bool> closed_ = false;
};

}  // namespace valley
