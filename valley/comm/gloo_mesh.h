#pragma once

#include <gloo/context.h>
#include <gloo/transport/unbound_buffer.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "valley/comm/gloo.h"

namespace valley {

/// A connection to one peer failed, or it did not answer in time.
struct PeerError : std::runtime_error {
  PeerError(int peer, bool timed_out, const std::string& text)
      : std::runtime_error(text), peer(peer), timed_out(timed_out) {}
  int peer;
  bool timed_out;
};

/// Connections between all pairs of workers. Errors name the peer.
class GlooMesh {
 public:
  GlooMesh(const JoinOptions& options, Store& store);

  int rank() const { return context_->rank; }
  int size() const { return context_->size; }

  /// Memory to send from or receive into. Messages between two workers in the same slot arrive
  /// in order; a buffer may have several in flight, and wait_*() waits for one of them. Wait for
  /// one peer at a time.
  class Buffer {
   public:
    Buffer(GlooMesh& mesh, const void* data, int64_t bytes);
    ~Buffer();

    void send(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void receive(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void wait_sent(int peer);
    void wait_received(int peer);

   private:
    template <typename F>
    void named(int peer, const F& f);

    GlooMesh& mesh_;
    std::unique_ptr<gloo::transport::UnboundBuffer> buffer_;
  };

  /// Closes all connections at once and ends the waits of this worker; may be called from any
  /// thread.
  void close() noexcept;

 private:
  std::shared_ptr<gloo::Context> context_;
  std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::vector<gloo::transport::UnboundBuffer*> buffers_;  // guarded by mutex_
  bool closed_ = false;                                   // guarded by mutex_
};

}  // namespace valley
