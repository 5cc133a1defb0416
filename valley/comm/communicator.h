#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/comm/call.h"

namespace valley {

/// What one kind of operation has cost this worker so far.
struct OperationStats {
  int64_t calls = 0;
  int64_t bytes = 0;        ///< payload this worker put in: elements times element size (see below)
  double seconds = 0;       ///< wall time in the call, waiting for slower workers included
  double wait_seconds = 0;  ///< of these, until the last worker had come
};

/// A started operation. wait() returns when the output may be read (and the input overwritten);
/// it throws what the operation threw. Destroying an unfinished Work waits for it, except while
/// an exception unwinds: then the tensors are kept alive until the operation ends. A Work must
/// not outlive its communicator. Started operations run one after the other in the order of
/// their start, on one thread of the communicator; a blocking operation waits for them first.
class Work {
 public:
  virtual ~Work() = default;
  virtual void wait() = 0;
};

/// Called with [begin, end) of the flattened output as soon as that part is final, in increasing
/// order, on the calling thread, while the part is still in cache.
using ChunkCallback = std::function<void(int64_t begin, int64_t end)>;

/// One message of a neighbour exchange. `tensor` is contiguous.
struct Message {
  int peer;
  at::Tensor tensor;
};

/// The workers of a run, as one of them sees them.
///
/// Every worker calls the same operations in the same order with the same sizes and dtypes. Each
/// call carries (operation, size, dtype, sequence number); a worker that differs is named in a
/// CommError on every worker instead of a hang or a crash. Every wait ends within the timeout; a
/// lost worker is a CommError naming its rank, the operation, its number and the seconds waited.
/// After any CommError the communicator is unusable.
///
/// Results: the same bits on every worker, and the same bits in every run with the same number
/// of workers and backend.
///
/// Tensors are contiguous CPU tensors of float32 or float64 (exchange, all_gather and broadcast:
/// any dtype). Bytes are counted by payload: the values a worker hands in (all_reduce, all_gather:
/// its own input; broadcast: counted on every worker; exchange: what it sends), whatever the
/// algorithm underneath makes of them. With one worker nothing travels, and 0 bytes are counted.
class Communicator {
 public:
  virtual ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  virtual std::string_view backend() const = 0;  ///< "solo", "thread", "gloo"

  /// out <- sum over workers of in. Out of place: `in` is only read; `out` may be `in` itself.
  /// Cost: one all-reduce of in.numel() values; no extra copy of either tensor.
  void all_reduce_sum(const at::Tensor& in, at::Tensor out, const ChunkCallback& on_chunk = {});
  std::unique_ptr<Work> start_all_reduce_sum(const at::Tensor& in, at::Tensor out);

  /// x <- mean over workers of x.
  void all_reduce_mean(at::Tensor x);

  /// out[m] <- in of worker m; out is [M, in.sizes()...].
  at::Tensor all_gather(const at::Tensor& in);

  /// x <- x of worker `root`.
  void broadcast(at::Tensor x, int root);

  /// Sends every message of `sends` and receives every one of `receives`, pairwise matching
  /// between workers (at most one message per ordered pair and call).
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives);
  std::unique_ptr<Work> start_exchange(const std::vector<Message>& sends,
                                       const std::vector<Message>& receives);

  void barrier();

  /// Texts of all workers by rank; lengths may differ. For records and settings, not for training.
  std::vector<std::string> all_gather_text(const std::string& text);

  /// Whether the workers are threads of one process (or one alone), so that share() works.
  virtual bool shares_memory() const { return false; }

  /// Worker 0's object, handed to all: memory that they then touch without the communicator, each
  /// access theirs to guard. The other workers' `mine` may be null.
  /// @throws UsageError if the workers share no memory.
  template <typename T>
  std::shared_ptr<T> share(std::shared_ptr<T> mine) {
    return std::static_pointer_cast<T>(share_any(std::move(mine)));
  }

  /// Counts what this worker moved through shared memory by itself.
  void count_shared(int64_t bytes, double seconds) { count(Operation::kShare, bytes, seconds); }

  /// Asks all workers to stop. The wish travels with the next operation: after any operation
  /// stop_agreed() is the same on every worker, so that all leave the loop at the same step.
  void request_stop() { stop_requested_ = true; }
  bool stop_agreed() const { return stop_agreed_; }

  /// Ends the group because this worker failed: peers waiting in an operation, or entering one,
  /// get a CommError with this rank and reason. Called by whoever catches the worker's exception.
  virtual void abort(const std::string& reason) noexcept = 0;

  const OperationStats& stats(Operation operation) const {
    return stats_[static_cast<size_t>(operation)];
  }
  int64_t total_bytes() const;
  double total_wait_seconds() const;

 protected:
  Communicator(int rank, int size);

  // The hooks of a backend. Arguments are valid (see the public functions) and size() > 1 or the
  // backend is solo. A hook checks that all workers made the same call, throws CommError if not,
  // and sets call.stop to whether any worker wishes to stop. Hooks of one communicator never
  // overlap; a hook of a started operation runs on the communicator's progress thread.
  virtual void do_all_reduce_sum(Call& call, const void* in, void* out,
                                 const ChunkCallback& on_chunk) = 0;
  virtual void do_all_gather(Call& call, const void* in, void* out) = 0;
  virtual void do_broadcast(Call& call, void* x) = 0;
  virtual void do_exchange(Call& call, const std::vector<Message>& sends,
                           const std::vector<Message>& receives) = 0;
  virtual void do_barrier(Call& call) = 0;
  virtual std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) = 0;
  /// Called only where shares_memory().
  virtual void do_share(Call& call, std::shared_ptr<void>& object);

  /// Waits for all started operations. Destructors of backends call it first, because started
  /// operations call the hooks.
  void finish_started() noexcept;

  /// The number of the last operation this worker called; 0 before the first.
  int64_t sequence() const { return sequence_; }

 private:
  class Progress;
  class StartedWork;

  std::shared_ptr<void> share_any(std::shared_ptr<void> mine);
  Call next_call(Operation operation, int64_t numel = 0,
                 at::ScalarType dtype = at::ScalarType::Byte);
  template <typename Hook>
  void run(Call call, int64_t bytes, const Hook& hook);
  std::unique_ptr<Work> start(Call call, int64_t bytes, std::function<void(Call&)> hook);
  void count(Operation operation, int64_t bytes, double seconds);
  void guarded(Call& call, const std::function<void(Call&)>& hook);
  void throw_if_failed();

  int rank_;
  int size_;
  std::array<OperationStats, kOperations> stats_;
  bool stop_requested_ = false;
  bool stop_agreed_ = false;
  int64_t sequence_ = 0;

  std::mutex failure_mutex_;
  std::string failure_;                 // guarded by failure_mutex_; empty: none
  std::unique_ptr<Progress> progress_;  // from the first started operation on
};

}  // namespace valley
