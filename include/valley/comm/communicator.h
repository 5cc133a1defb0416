#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "valley/comm/call.h"
#include "valley/comm/capabilities.h"
#include "valley/comm/squared_norms.h"
#include "valley/core/error.h"

namespace valley {

/// What one kind of operation has cost this worker so far.
struct OperationStats {
  int64_t calls = 0;
  int64_t bytes = 0;        ///< payload this worker put in: elements times element size (see below)
  double seconds = 0;       ///< wall time in the call, waiting for slower workers included
  double wait_seconds = 0;  ///< of these, until the last worker had come

  OperationStats& operator+=(const OperationStats& other);
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

/// One message of a neighbour exchange. `tensor` is contiguous.
struct Message {
  int peer;
  at::Tensor tensor;
};

/// Thrown by a backend where a worker is lost to all groups, not only to this one.
struct WorkerLost : CommError {
  WorkerLost(int global_rank, std::string reason, const std::string& text)
      : CommError(text), global_rank(global_rank), reason(std::move(reason)) {}
  int global_rank;
  std::string reason;
};

/// The workers of a run, or a part of them, as one of them sees them.
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
/// Tensors are contiguous and what the backend can take, see capabilities(); anything else is a
/// UsageError that says what it can. Bytes are counted by payload: the values a worker hands in
/// (all_reduce, all_gather: its own input; broadcast: counted on every worker; exchange: what it
/// sends), whatever the algorithm underneath makes of them. With one worker nothing travels, and 0
/// bytes are counted.
class Communicator {
 public:
  virtual ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  /// By rank here, the rank in the whole group: what errors call a worker. See split().
  const std::vector<int>& global_ranks() const { return global_ranks_; }

  virtual std::string_view backend() const = 0;  ///< "solo", or a name of backends()
  virtual const Capabilities& capabilities() const = 0;

  /// out <- sum over workers of in. Out of place: `in` is only read; `out` may be `in` itself.
  /// Cost: one all-reduce of in.numel() values; no extra copy of either tensor.
  void all_reduce_sum(const at::Tensor& in, at::Tensor out);

  /// The same, started. `then`, here and below, is called when all has come, on the thread of the
  /// started operations and before the next of them.
  std::unique_ptr<Work> start_all_reduce_sum(const at::Tensor& in, at::Tensor out,
                                             std::function<void()> then = {});

  /// sum <- sum over workers of x, apart from x. Returns what this worker's x and the mean make:
  /// ||x - sum/M||^2 and ||sum/M||^2. Cost: that of all_reduce_sum(); the host's backends take the
  /// norms while the sum is in cache.
  SquaredNorms all_reduce_sum_norms(const at::Tensor& x, at::Tensor sum);

  /// What a worker makes of the norms of its x: how far it goes to the mean.
  using WeightOfNorms = std::function<double(const SquaredNorms&)>;

  /// x <- x + w (s/M - x), s the sum over workers of x, and w = weight(norms) each worker's own. To
  /// the bit what all_reduce_sum_norms() into `room`, [d] apart from x, and lerp_to_mean() make of
  /// x, and what the former returns. `room` is left with anything. If `weight` throws, the group
  /// ends as by any failure, and nobody's x has moved who would have had to wait for this worker.
  ///
  /// Cost: one all-reduce, and a pass over x. Where workers share memory, each passes twice over
  /// its part of all their x: 3 d values read or written, half as much as otherwise, `room` not
  /// touched.
  SquaredNorms all_reduce_lerp(at::Tensor x, at::Tensor room, const WeightOfNorms& weight);

  /// x <- mean over workers of x.
  void all_reduce_mean(at::Tensor x);

  /// out[m] <- in of worker m; out is [M, in.sizes()...].
  at::Tensor all_gather(const at::Tensor& in);

  /// The same into `out` [M, in.sizes()...], of the dtype of `in`.
  std::unique_ptr<Work> start_all_gather(const at::Tensor& in, at::Tensor out,
                                         std::function<void()> then = {});

  /// x <- x of worker `root`.
  void broadcast(at::Tensor x, int root);
  std::unique_ptr<Work> start_broadcast(at::Tensor x, int root);

  /// Sends every message of `sends` and receives every one of `receives`, pairwise matching
  /// between workers (at most one message per ordered pair and call).
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives);
  std::unique_ptr<Work> start_exchange(const std::vector<Message>& sends,
                                       const std::vector<Message>& receives,
                                       std::function<void()> then = {});

  void barrier();

  /// Texts of all workers by rank; lengths may differ. For records and settings, not for training.
  std::vector<std::string> all_gather_text(const std::string& text);

  /// The same for worker 0; the others get nothing. Of long texts of many workers it alone has to
  /// hold all.
  std::vector<std::string> gather_text(const std::string& text);

  /// A communicator for the workers that give the same color, in the order of their ranks here. All
  /// workers call it. What the part does counts here, too; a wish to stop travels with its
  /// operations, too, and its workers agree on it among themselves; errors name the workers by the
  /// ranks of the whole group. This worker's communicators fail together: after a CommError of one
  /// all are unusable, and whoever waits for this worker in another learns why it left. Leaving a
  /// part, when its communicator is destroyed, ends that part alone.
  ///
  /// Cost: thread: nothing. gloo: connections between all pairs of the part's workers, kept while
  /// it lives, tens of milliseconds.
  std::unique_ptr<Communicator> split(int color);

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
  void request_stop();
  bool stop_agreed() const { return stop_agreed_; }

  /// Ends the group, with all parts split off it or of which it is one, because this worker failed:
  /// peers waiting in an operation, or entering one, get a CommError with this rank and reason.
  /// Called by whoever catches the worker's exception.
  void abort(const std::string& reason) noexcept;

  const OperationStats& stats(Operation operation) const {
    return stats_[static_cast<size_t>(operation)];
  }
  int64_t total_bytes() const;
  double total_wait_seconds() const;

 protected:
  /// The whole group: worker m is number m of it.
  Communicator(int rank, int size);

  /// The part of it whose worker m has the rank global_ranks[m] in the whole group.
  Communicator(int rank, std::vector<int> global_ranks);

  // The hooks of a backend. Arguments are valid (see the public functions) and size() > 1 or the
  // backend is solo. A hook checks that all workers made the same call, throws CommError if not,
  // and sets call.stop to whether any worker wishes to stop. Hooks of one communicator never
  // overlap; a hook of a started operation runs on the communicator's progress thread.
  virtual void do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) = 0;
  virtual void do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) = 0;
  virtual void do_broadcast(Call& call, at::Tensor& x) = 0;
  virtual void do_exchange(Call& call, const std::vector<Message>& sends,
                           const std::vector<Message>& receives) = 0;
  virtual void do_barrier(Call& call) = 0;
  /// For all, or, where call.root is a rank, for that worker: then any answer of the others' will
  /// do.
  virtual std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) = 0;

  // What a backend may do better: these add up, and then pass over the sum once more.
  virtual SquaredNorms do_all_reduce_sum_norms(Call& call, const at::Tensor& x, at::Tensor& sum);
  virtual SquaredNorms do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                          const WeightOfNorms& weight);
  virtual void do_all_reduce_mean(Call& call, at::Tensor& x);

  /// Called only where the workers share memory.
  virtual void do_share(Call& call, std::shared_ptr<void>& object);

  /// The communicator of a part: `members` are its ranks here, this worker's among them. The
  /// workers have made the same call; all come here, though with members of their own.
  virtual std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) = 0;

  /// Tells the peers, from any thread, that the group has ended, because the worker of that global
  /// rank, not always one of this group, is lost.
  virtual void do_lose(int global_rank, const std::string& reason) noexcept = 0;

  /// Waits for all started operations, and leaves the family. Destructors of backends call it
  /// first, because started operations call the hooks.
  void finish_started() noexcept;

  /// The number of the last operation this worker called; 0 before the first.
  int64_t sequence() const { return sequence_; }

  int global_rank(int rank) const { return global_ranks_[static_cast<size_t>(rank)]; }
  std::vector<int> global_ranks_of(const std::vector<int>& ranks) const;

 private:
  class Family;
  class Progress;
  class StartedWork;

  std::shared_ptr<void> share_any(std::shared_ptr<void> mine);
  Call next_call(Operation operation);
  Call call_of(Operation operation, const at::Tensor& x);
  Call call_from(int root, const at::Tensor& x);
  template <typename Hook>
  void run(Call call, int64_t bytes, const Hook& hook);
  std::vector<std::string> gather_texts(int root, const std::string& text);
  std::unique_ptr<Work> start(Call call, int64_t bytes, std::function<void(Call&)> hook);
  void count(Operation operation, int64_t bytes, double seconds);
  void add(Operation operation, const OperationStats& more);
  void guarded(Call& call, const std::function<void(Call&)>& hook);

  int rank_;
  int size_;
  std::vector<int> global_ranks_;
  std::shared_ptr<Family> family_;
  Communicator* parent_ = nullptr;  // while it lives
  std::array<OperationStats, kOperations> stats_;
  bool stop_agreed_ = false;
  int64_t sequence_ = 0;
  std::unique_ptr<Progress> progress_;  // from the first started operation on
};

}  // namespace valley
