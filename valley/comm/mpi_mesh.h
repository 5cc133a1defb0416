#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "valley/comm/failure.h"
#include "valley/comm/mpi_library.h"
#include "valley/comm/peer_error.h"
#include "valley/comm/process_watch.h"

namespace valley {

/// Another worker has told that the group has ended.
struct ToldOfFailure : PeerError {
  ToldOfFailure(int peer, Failure failure)
      : PeerError(peer, failure.text.c_str()), failure(std::move(failure)) {}
  Failure failure;
};

/// The messages of a group of workers over MPI, in the place of a TcpMesh.
///
/// Groups are kept apart by tags: each has as many as its operations have slots, from `group` times
/// their number on. (A communicator of MPI's own for every group would be made by all of them
/// together, in a wait that nothing ends.) Messages between two workers in the same slot arrive in
/// order, of whatever operation.
///
/// MPI says nothing of workers that are lost. So who waits listens for what others tell, a message
/// beside the operations, and looks whether processes of this machine have ended. It asks MPI again
/// and again, first at once, then between ever longer pauses, at most a twentieth of the wait and
/// .2 ms: so waiting for a slow worker leaves it the core.
class MpiMesh {
 public:
  struct Group {
    int rank = 0;
    std::vector<int> ranks;  ///< of its workers in MPI_COMM_WORLD
    int64_t number = 0;      ///< no other group of these workers has it
  };

  /// @throws CommError if there are more groups than tags.
  MpiMesh(MpiLibrary& mpi, Group group, std::shared_ptr<const ProcessWatch> watch,
          double timeout_seconds);
  ~MpiMesh();

  int rank() const { return group_.rank; }
  /// See TcpMesh.
  void on_stall(double seconds, std::function<void(int peer, double waited)> tell) {
    stall_seconds_ = seconds;
    on_stall_ = std::move(tell);
  }
  int size() const { return static_cast<int>(group_.ranks.size()); }
  MpiLibrary& mpi() { return mpi_; }
  const std::shared_ptr<const ProcessWatch>& watch() const { return watch_; }

  /// See TcpMesh::Buffer. @throws PeerError
  class Buffer {
   public:
    Buffer(MpiMesh& mesh, const void* data)
        : mesh_(mesh), data_(static_cast<char*>(const_cast<void*>(data))) {}
    ~Buffer();
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    void send(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void receive(int peer, uint64_t slot, int64_t offset, int64_t bytes);
    void wait_sent(int peer) { wait(sent_, peer); }
    void wait_received(int peer) { wait(received_, peer); }

   private:
    // A message, or, of one that is larger than MPI can count, a part.
    struct Flight {
      int peer;
      int64_t operation;
      bool last;
      MpiLibrary::Request request;
    };
    template <typename Start>
    void start(std::deque<Flight>& flights, int peer, uint64_t slot, int64_t offset, int64_t bytes,
               const Start& start);
    void wait(std::deque<Flight>& flights, int peer);

    MpiMesh& mesh_;
    char* const data_;
    std::deque<Flight> sent_, received_;
  };

  /// Tells all others that after that operation nothing more comes. From any thread.
  void tell(int64_t after, const Failure& failure) noexcept;

  /// What has been told, if it ends the group before that operation.
  std::optional<ToldOfFailure> told_before(int64_t operation);

  /// The same, of what has been sent but is still on its way through this process.
  std::optional<ToldOfFailure> told_lately(int64_t operation);

  /// Ends the waits of this worker, which sends nothing more; from any thread.
  void close() noexcept { closed_ = true; }

 private:
  struct Told;  // what is told, as it travels
  struct Telling;

  static constexpr int kToldTag = 0;  // the first of a group's; then come those of slots
  int tag(uint64_t slot) const;
  void wait(MpiLibrary::Request& request, int peer, int64_t operation);
  bool test(MpiLibrary::Request& request, int peer);
  std::optional<int> ended() const;
  void listen();

  MpiLibrary& mpi_;
  const Group group_;
  const std::shared_ptr<const ProcessWatch> watch_;
  const double timeout_seconds_;
  const int64_t tags_;  // of a group
  double stall_seconds_ = 0;
  std::function<void(int, double)> on_stall_;
  std::atomic<bool> closed_ = false;
  std::vector<std::pair<int64_t, ToldOfFailure>> told_;  // by the last operation that was left
  std::mutex telling_mutex_;
  std::vector<std::unique_ptr<Telling>> telling_;
};

}  // namespace valley
