#include <ATen/core/TensorBody.h>
#include <ATen/ops/add.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "valley/comm/failure.h"
#include "valley/comm/fused.h"
#include "valley/comm/group.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/passes_of_all.h"
#include "valley/comm/ranks.h"
#include "valley/core/clock.h"
#include "valley/core/cores.h"
#include "valley/core/error.h"

namespace valley {
namespace {

using Clock = std::chrono::steady_clock;

// What a worker shows the others for one operation. Read by them only between enter() and
// finish(), so it may point into the worker's stack.
struct Slot {
  Call call;
  const at::Tensor* in = nullptr;
  const at::Tensor* out = nullptr;
  const std::shared_ptr<void>* object = nullptr;
  const std::vector<Message>* sends = nullptr;
  const std::vector<Message>* receives = nullptr;
  const std::string* text = nullptr;
  double weight = 0;
};

// The memory the workers share. An operation is enter(), a section in which every worker may
// touch the tensors of all others, finish(). Only enter() waits for something that might never
// come, a call of another worker; the sections are plain arithmetic and always end, so that no
// worker leaves finish(), and frees its tensors, while another still uses them.
class Group {
 public:
  // `global_ranks` are what errors call the workers.
  Group(std::vector<int> global_ranks, double timeout_seconds, StallWatch stalls)
      : global_ranks_(std::move(global_ranks)),
        timeout_(timeout_seconds),
        stalls_(std::move(stalls)),
        spins_(workers() <= usable_cores()),
        slots_(global_ranks_.size()),
        found_(global_ranks_.size()),
        present_(global_ranks_.size()) {}

  int workers() const { return static_cast<int>(global_ranks_.size()); }
  const std::vector<int>& global_ranks() const { return global_ranks_; }
  /// The same of other workers.
  std::shared_ptr<Group> part(std::vector<int> global_ranks) const {
    return std::make_shared<Group>(std::move(global_ranks), timeout_, stalls_);
  }
  const Slot& slot(int rank) const { return slots_[static_cast<size_t>(rank)]; }
  /// What this worker finds in a section, for all to read until they enter the next but one: here,
  /// since by then it may have left.
  std::vector<SquaredNorms>& found(int rank) { return found_[static_cast<size_t>(rank)]; }

  // Shows `slot` and waits until all workers have shown theirs.
  void enter(int rank, const Slot& slot) {
    const double start = now_seconds();
    std::unique_lock lock(mutex_);
    throw_if_failed(rank, slot.call, start);
    slots_[static_cast<size_t>(rank)] = slot;
    present_[static_cast<size_t>(rank)] = true;
    const int64_t round = rounds_.load(std::memory_order_relaxed);
    if (++arrived_ == workers()) {
      arrived_ = 0;
      present_.assign(present_.size(), false);
      working_.store(workers(), std::memory_order_relaxed);
      rounds_.store(round + 1, std::memory_order_release);
      changed_.notify_all();
      return;
    }
    const auto complete = [&] { return rounds_.load(std::memory_order_acquire) != round; };
    spin(lock, complete);
    const auto after = [begin = Clock::now()](double seconds) {
      return begin +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    };
    const auto over = [&] { return complete() || failure_; };
    if (stalls_.tell && stalls_.seconds < timeout_ &&
        !changed_.wait_until(lock, after(stalls_.seconds), over) && told_ != round) {
      told_ = round;
      const std::string text = stall_text(slot.call, now_seconds() - start, missing());
      lock.unlock();
      stalls_.tell(text);
      lock.lock();
    }
    changed_.wait_until(lock, after(timeout_), over);
    if (complete()) return;
    if (!failure_) {
      fail({name(rank),
            fmt::format("timed out after {:.1f} s in {}: waiting for {}", now_seconds() - start,
                        label(slot.call), name_ranks(missing())),
            Failure::kTimeout});
    }
    throw_if_failed(rank, slot.call, start);
  }

  // Waits until all workers have left the section.
  void finish() {
    if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      std::lock_guard lock(mutex_);  // no waiter between its look and its sleep
      changed_.notify_all();
      return;
    }
    const auto complete = [&] { return working_.load(std::memory_order_acquire) == 0; };
    std::unique_lock lock(mutex_);
    spin(lock, complete);
    changed_.wait(lock, complete);
  }

  // The worker of that global rank is lost to all groups.
  void lose(int global_rank, std::string reason) {
    std::lock_guard lock(mutex_);
    fail({global_rank, std::move(reason), Failure::kLost});
  }

  void leave(int rank, std::string reason) {
    std::lock_guard lock(mutex_);
    fail({name(rank), std::move(reason), Failure::kLeft});
  }

 private:
  struct Failure {
    enum Kind { kLost, kLeft, kTimeout };
    int culprit;         // global rank; kTimeout: who noticed
    std::string reason;  // kTimeout: the whole text
    Kind kind;
  };

  void fail(Failure failure) {
    if (!failure_) failure_ = std::move(failure);  // the first is the cause of the others
    changed_.notify_all();
  }

  void throw_if_failed(int rank, const Call& call, double start) const {
    if (!failure_) return;
    const auto& [culprit, reason, kind] = *failure_;
    const bool self = culprit == name(rank);
    if (kind == Failure::kTimeout) {
      throw CommError(self ? reason : fmt::format("rank {} {}", culprit, reason));
    }
    if (self) throw CommError(fmt::format("rank {} has left the group: {}", culprit, reason));
    const std::string text = fmt::format("lost rank {} ({}) in {} after {:.1f} s", culprit, reason,
                                         label(call), now_seconds() - start);
    if (kind == Failure::kLeft) throw CommError(text);
    throw WorkerLost(culprit, reason, text);
  }

  std::vector<int> missing() const {
    std::vector<int> ranks;
    for (int rank = 0; rank < workers(); ++rank) {
      if (!present_[static_cast<size_t>(rank)]) ranks.push_back(name(rank));
    }
    return ranks;
  }

  int name(int rank) const { return global_ranks_[static_cast<size_t>(rank)]; }

  // A wake-up costs tens of microseconds, often more than the others are behind.
  template <typename Condition>
  void spin(std::unique_lock<std::mutex>& lock, const Condition& complete) const {
    if (!spins_) return;
    lock.unlock();
    const double end = now_seconds() + 20e-6;
    while (!complete() && now_seconds() < end) {
    }
    lock.lock();
  }

  const std::vector<int> global_ranks_;
  const double timeout_;
  const StallWatch stalls_;
  const bool spins_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::vector<std::vector<SquaredNorms>> found_;
  std::vector<bool> present_;  // who has entered the coming operation
  int arrived_ = 0;
  int64_t told_ = -1;  // the operation of which somebody was told that it takes long
  std::optional<Failure> failure_;
  std::atomic<int64_t> rounds_ = 0;  // complete enter()s
  std::atomic<int> working_ = 0;     // workers between enter() and finish()
};

// outs[m][i] = sum over m of ins[m][i] for i in [begin, end), in the order of ranks. An output
// may be its own worker's input: each block is read whole before it is written.
template <typename Scalar>
void sum_slice(const std::vector<Scalar*>& ins, const std::vector<Scalar*>& outs, int64_t begin,
               int64_t end) {
  constexpr int64_t kBlock = 16384 / sizeof(Scalar);  // half of L1
  alignas(64) Scalar sum[kBlock];
  for (int64_t first = begin; first < end; first += kBlock) {
    const int64_t n = std::min(kBlock, end - first);
    const Scalar* a = ins[0] + first;
    const Scalar* b = ins[1] + first;
    for (int64_t i = 0; i < n; ++i) sum[i] = a[i] + b[i];
    for (size_t m = 2; m < ins.size(); ++m) {
      const Scalar* x = ins[m] + first;
      for (int64_t i = 0; i < n; ++i) sum[i] += x[i];
    }
    for (Scalar* out : outs) std::memcpy(out + first, sum, static_cast<size_t>(n) * sizeof(Scalar));
  }
}

template <typename Scalar>
std::vector<Scalar*> pointers(const std::vector<at::Tensor>& tensors) {
  std::vector<Scalar*> result;
  for (const at::Tensor& tensor : tensors) result.push_back(tensor.data_ptr<Scalar>());
  return result;
}

// The same by LibTorch's operators, for tensors on a device.
void sum_slice(const std::vector<at::Tensor>& ins, const std::vector<at::Tensor>& outs,
               int64_t begin, int64_t end) {
  if (begin == end) return;
  const c10::NoGradGuard no_grad;
  const auto part = [&](const at::Tensor& x) { return x.view(-1).narrow(0, begin, end - begin); };
  at::Tensor sum = at::add(part(ins[0]), part(ins[1]));
  for (size_t m = 2; m < ins.size(); ++m) sum.add_(part(ins[m]));
  for (const at::Tensor& out : outs) part(out).copy_(sum);
}

const Message* find_peer(const std::vector<Message>& messages, int peer) {
  const auto found = std::find_if(messages.begin(), messages.end(),
                                  [&](const Message& message) { return message.peer == peer; });
  return found == messages.end() ? nullptr : &*found;
}

// Tensors on a device: what a section does is queued there, not done. That is enough, because all
// workers queue on one stream, the device's default one, which nothing in Valley leaves: enter()
// and finish() order who queues when, and the stream, and the allocator that gives freed memory to
// what is queued later, keep that order. A worker that computed on a stream of its own would have
// to wait for it before it communicates.
class ThreadCommunicator : public HostCommunicator {
 public:
  ThreadCommunicator(int rank, std::shared_ptr<Group> group)
      : HostCommunicator(rank, group->global_ranks(), /*shares_memory=*/true),
        group_(std::move(group)) {}

  ~ThreadCommunicator() override {
    finish_started();
    group_->leave(rank(), fmt::format("it left the group after operation {}", sequence()));
  }

  std::string_view backend() const override { return "thread"; }

 protected:
  void sum_in_chunks(Call& call, const at::Tensor& in, at::Tensor& out,
                     const ChunkCallback& on_chunk) override {
    run({.call = call, .in = &in, .out = &out}, call, [&] { sum_own_slice(call); });
    if (!on_chunk) return;
    if (!fused(in)) return on_chunk(0, call.numel);
    for_each_chunk(call.numel, in.element_size(), on_chunk);
  }

  // Two sections: in the first everybody takes the norms of its part of all x, in the second it
  // moves that part. The norms of a part are added up chunk by chunk, as those of all of x are.
  SquaredNorms do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                  const WeightOfNorms& weight) override {
    const auto apart = [&] { return HostCommunicator::do_all_reduce_lerp(call, x, room, weight); };
    if (chunks_of(call) < kChunksOfAPart * size()) return apart();
    bool within_reach = false;
    run({.call = call, .in = &x}, call, [&] {
      const std::vector<at::Tensor> xs = vectors_of_all();
      within_reach = std::all_of(xs.begin(), xs.end(), fused);
      if (within_reach) take_norms_of_part(call, xs);
    });
    if (!within_reach) return apart();
    SquaredNorms norms;
    for (int m = 0; m < size(); ++m) {
      const std::vector<SquaredNorms>& found = group_->found(m);
      for (size_t i = static_cast<size_t>(rank()); i < found.size();
           i += static_cast<size_t>(size())) {
        norms += found[i];
      }
    }
    Call again = call;  // the workers have met already
    run({.call = call, .in = &x, .weight = weight(norms)}, again, [&] {
      std::vector<double> weights;
      for (int m = 0; m < size(); ++m) weights.push_back(group_->slot(m).weight);
      const auto [begin, end] = part_of(call);
      lerp_all_to_mean(vectors_of_all(), weights, begin, end);
    });
    return norms;
  }

  void do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) override {
    run({.call = call, .in = &in}, call, [&] {
      for (int m = 0; m < size(); ++m) {
        copy_flat(out.view(-1).narrow(0, m * in.numel(), in.numel()), *group_->slot(m).in);
      }
    });
  }

  void do_broadcast(Call& call, at::Tensor& x) override {
    run({.call = call, .in = &x}, call, [&] { copy_flat(x, *group_->slot(call.root).in); });
  }

  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override {
    std::string unmatched;
    run({.call = call, .sends = &sends, .receives = &receives}, call, [&] {
      unmatched = unmatched_message(call);
      if (!unmatched.empty()) return;
      for (const Message& message : receives) {
        const Message* sent = find_peer(*group_->slot(message.peer).sends, rank());
        copy_flat(message.tensor, sent->tensor);
      }
    });
    if (!unmatched.empty()) throw CommError(unmatched);
  }

  void do_barrier(Call& call) override {
    run({.call = call}, call, [] {});
  }

  void do_share(Call& call, std::shared_ptr<void>& object) override {
    const std::shared_ptr<void> mine = object;
    run({.call = call, .object = &mine}, call, [&] { object = *group_->slot(0).object; });
  }

  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override {
    std::vector<std::string> texts;
    run({.call = call, .text = &text}, call, [&] {
      if (call.root >= 0 && call.root != rank()) return;
      for (int m = 0; m < size(); ++m) texts.push_back(*group_->slot(m).text);
    });
    return texts;
  }

  // The first of the members makes what they share.
  std::unique_ptr<Communicator> do_split(Call& call, const std::vector<int>& members) override {
    std::shared_ptr<void> part;
    if (members.front() == rank()) part = group_->part(global_ranks_of(members));
    const std::shared_ptr<void> mine = part;
    run({.call = call, .object = &mine}, call,
        [&] { part = *group_->slot(members.front()).object; });
    if (members.size() == 1) return make_solo(global_rank(rank()));
    const auto place = std::find(members.begin(), members.end(), rank()) - members.begin();
    return std::make_unique<ThreadCommunicator>(static_cast<int>(place),
                                                std::static_pointer_cast<Group>(part));
  }

  void do_lose(int global_rank, const std::string& reason) noexcept override {
    group_->lose(global_rank, reason);
  }

 private:
  template <typename Section>
  void run(const Slot& slot, Call& call, const Section& section) {
    group_->enter(rank(), slot);
    call.met = now_seconds();
    std::vector<Call> calls;
    bool stop = false;
    for (int m = 0; m < size(); ++m) {
      calls.push_back(group_->slot(m).call);
      stop = stop || calls.back().stop;
    }
    const std::optional<std::string> difference = mismatch(calls, global_ranks());
    // Whatever happens to one, the others wait for it there.
    std::exception_ptr error;
    try {
      if (!difference) section();
    } catch (...) {
      error = std::current_exception();
    }
    group_->finish();
    if (error) std::rethrow_exception(error);
    if (difference) throw CommError(*difference);
    call.stop = stop;
  }

  // Of a part with fewer, or with one more than another, the passes over the whole vector, which
  // all take in equal parts, are as fast.
  static constexpr int64_t kChunksOfAPart = 8;

  static int64_t chunk_values(const Call& call) {
    return kChunkBytes / static_cast<int64_t>(c10::elementSize(call.dtype));
  }
  static int64_t chunks_of(const Call& call) {
    return (call.numel + chunk_values(call) - 1) / chunk_values(call);
  }

  // This worker's part of the values, of whole chunks.
  std::pair<int64_t, int64_t> part_of(const Call& call) const {
    const auto place = [&](int64_t m) {
      return std::min(call.numel, m * chunks_of(call) / size() * chunk_values(call));
    };
    return {place(rank()), place(rank() + 1)};
  }

  std::vector<at::Tensor> vectors_of_all() const {
    std::vector<at::Tensor> xs;
    for (int m = 0; m < size(); ++m) xs.push_back(*group_->slot(m).in);
    return xs;
  }

  void take_norms_of_part(const Call& call, const std::vector<at::Tensor>& xs) {
    std::vector<SquaredNorms>& found = group_->found(rank());
    const auto [begin, end] = part_of(call);
    const int64_t chunk = chunk_values(call);
    found.resize(static_cast<size_t>((end - begin + chunk - 1) / chunk * size()));
    SquaredNorms* norms = found.data();
    for (int64_t i = begin; i < end; i += chunk, norms += size()) {
      squared_norms_of_all(xs, i, std::min(end, i + chunk), norms);
    }
  }

  void sum_own_slice(const Call& call) {
    const std::vector<at::Tensor> ins = vectors_of_all();
    std::vector<at::Tensor> outs;
    for (int m = 0; m < size(); ++m) outs.push_back(*group_->slot(m).out);
    const int64_t begin = rank() * call.numel / size(), end = (rank() + 1) * call.numel / size();
    if (!std::all_of(ins.begin(), ins.end(), fused)) return sum_slice(ins, outs, begin, end);
    call.dtype == at::kFloat ? sum_slice(pointers<float>(ins), pointers<float>(outs), begin, end)
                             : sum_slice(pointers<double>(ins), pointers<double>(outs), begin, end);
  }

  // The first message that is not expected as it is sent, or not sent as it is expected. Every
  // worker looks at all pairs, so that all find the same one.
  std::string unmatched_message(const Call& call) const {
    for (int from = 0; from < size(); ++from) {
      for (int to = 0; to < size(); ++to) {
        const Message* sent = find_peer(*group_->slot(from).sends, to);
        const Message* expected = find_peer(*group_->slot(to).receives, from);
        if (auto text = unmatched_pair(call, global_rank(from), global_rank(to),
                                       describe_message(sent), describe_message(expected))) {
          return *text;
        }
      }
    }
    return "";
  }

  static std::string describe_message(const Message* message) {
    if (!message) return "nothing";
    return describe_values(message->tensor.numel(), message->tensor.scalar_type());
  }

  std::shared_ptr<Group> group_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> make_thread_group(int workers, double timeout_seconds,
                                                             StallWatch stalls) {
  require(workers >= 1, "workers must be at least 1, got {}", workers);
  require(timeout_seconds > 0, "the timeout must be > 0 seconds, got {}", timeout_seconds);
  std::vector<std::unique_ptr<Communicator>> group;
  if (workers == 1) {
    group.push_back(make_solo());
    return group;
  }
  auto shared = std::make_shared<Group>(everyone(workers), timeout_seconds, std::move(stalls));
  for (int rank = 0; rank < workers; ++rank) {
    group.push_back(std::make_unique<ThreadCommunicator>(rank, shared));
  }
  return group;
}

}  // namespace valley
