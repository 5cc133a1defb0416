#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "valley/comm/chunks.h"
#include "valley/comm/group.h"
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
  const void* in = nullptr;
  void* out = nullptr;
  const std::vector<Message>* sends = nullptr;
  const std::vector<Message>* receives = nullptr;
  const std::string* text = nullptr;
};

// The memory the workers share. An operation is enter(), a section in which every worker may
// touch the tensors of all others, finish(). Only enter() waits for something that might never
// come, a call of another worker; the sections are plain arithmetic and always end, so that no
// worker leaves finish(), and frees its tensors, while another still uses them.
class Group {
 public:
  Group(int workers, double timeout_seconds)
      : timeout_(timeout_seconds),
        spins_(workers <= usable_cores()),
        slots_(static_cast<size_t>(workers)),
        present_(static_cast<size_t>(workers)) {}

  int workers() const { return static_cast<int>(slots_.size()); }
  const Slot& slot(int rank) const { return slots_[static_cast<size_t>(rank)]; }

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
    const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                             std::chrono::duration<double>(timeout_));
    changed_.wait_until(lock, deadline, [&] { return complete() || failure_; });
    if (complete()) return;
    if (!failure_) {
      fail({rank,
            fmt::format("timed out after {:.1f} s in {}: waiting for {}", now_seconds() - start,
                        label(slot.call), missing()),
            false});
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

  void lose(int rank, std::string reason) {
    std::lock_guard lock(mutex_);
    fail({rank, std::move(reason), true});
  }

 private:
  struct Failure {
    int rank;            // who is lost, or who noticed
    std::string reason;  // of the loss, or the whole text
    bool lost;
  };

  void fail(Failure failure) {
    if (!failure_) failure_ = std::move(failure);  // the first is the cause of the others
    changed_.notify_all();
  }

  void throw_if_failed(int rank, const Call& call, double start) const {
    if (!failure_) return;
    const auto& [culprit, reason, lost] = *failure_;
    if (lost && culprit != rank) {
      throw CommError(fmt::format("lost rank {} ({}) in {} after {:.1f} s", culprit, reason,
                                  label(call), now_seconds() - start));
    }
    if (lost) throw CommError(fmt::format("rank {} has left the group: {}", rank, reason));
    throw CommError(culprit == rank ? reason : fmt::format("rank {} {}", culprit, reason));
  }

  std::string missing() const {
    std::vector<int> ranks;
    for (int rank = 0; rank < workers(); ++rank) {
      if (!present_[static_cast<size_t>(rank)]) ranks.push_back(rank);
    }
    return name_ranks(ranks);
  }

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

  const double timeout_;
  const bool spins_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::vector<bool> present_;  // who has entered the coming operation
  int arrived_ = 0;
  std::optional<Failure> failure_;
  std::atomic<int64_t> rounds_ = 0;  // complete enter()s
  std::atomic<int> working_ = 0;     // workers between enter() and finish()
};

// outs[m][i] = sum over m of ins[m][i] for i in [begin, end), in the order of ranks. An output
// may be its own worker's input: each block is read whole before it is written.
template <typename Scalar>
void sum_slice(const std::vector<const Scalar*>& ins, const std::vector<Scalar*>& outs,
               int64_t begin, int64_t end) {
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

const Message* find_peer(const std::vector<Message>& messages, int peer) {
  const auto found = std::find_if(messages.begin(), messages.end(),
                                  [&](const Message& message) { return message.peer == peer; });
  return found == messages.end() ? nullptr : &*found;
}

class ThreadCommunicator : public Communicator {
 public:
  ThreadCommunicator(int rank, std::shared_ptr<Group> group)
      : Communicator(rank, group->workers()), group_(std::move(group)) {}

  ~ThreadCommunicator() override {
    finish_started();
    group_->lose(rank(), fmt::format("it left the group after operation {}", sequence()));
  }

  std::string_view backend() const override { return "thread"; }
  void abort(const std::string& reason) noexcept override { group_->lose(rank(), reason); }
  bool shares_memory() const override { return true; }

 protected:
  void do_all_reduce_sum(Call& call, const void* in, void* out,
                         const ChunkCallback& on_chunk) override {
    run({.call = call, .in = in, .out = out}, call, [&] {
      call.dtype == at::kFloat ? sum_own_slice<float>(call.numel)
                               : sum_own_slice<double>(call.numel);
    });
    if (!on_chunk) return;
    for_each_chunk(call.numel, static_cast<int64_t>(c10::elementSize(call.dtype)), on_chunk);
  }

  void do_all_gather(Call& call, const void* in, void* out) override {
    run({.call = call, .in = in}, call, [&] {
      const int64_t bytes = call.numel * static_cast<int64_t>(c10::elementSize(call.dtype));
      for (int m = 0; m < size(); ++m) {
        copy_bytes(static_cast<char*>(out) + m * bytes, group_->slot(m).in, bytes);
      }
    });
  }

  void do_broadcast(Call& call, void* x) override {
    run({.call = call, .in = x}, call, [&] {
      copy_bytes(x, group_->slot(call.root).in,
                 call.numel * static_cast<int64_t>(c10::elementSize(call.dtype)));
    });
  }

  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override {
    std::string unmatched;
    run({.call = call, .sends = &sends, .receives = &receives}, call, [&] {
      unmatched = unmatched_message(call);
      if (!unmatched.empty()) return;
      for (const Message& message : receives) {
        const Message* sent = find_peer(*group_->slot(message.peer).sends, rank());
        copy_bytes(message.tensor.data_ptr(), sent->tensor.data_ptr(),
                   static_cast<int64_t>(message.tensor.nbytes()));
      }
    });
    if (!unmatched.empty()) throw CommError(unmatched);
  }

  void do_barrier(Call& call) override {
    run({.call = call}, call, [] {});
  }

  void do_share(Call& call, std::shared_ptr<void>& object) override {
    const std::shared_ptr<void> mine = object;
    run({.call = call, .in = &mine}, call,
        [&] { object = *static_cast<const std::shared_ptr<void>*>(group_->slot(0).in); });
  }

  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override {
    std::vector<std::string> texts;
    run({.call = call, .text = &text}, call, [&] {
      for (int m = 0; m < size(); ++m) texts.push_back(*group_->slot(m).text);
    });
    return texts;
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
    const std::optional<std::string> difference = mismatch(calls);
    if (!difference) section();
    group_->finish();
    if (difference) throw CommError(*difference);
    call.stop = stop;
  }

  template <typename Scalar>
  void sum_own_slice(int64_t numel) {
    std::vector<const Scalar*> ins;
    std::vector<Scalar*> outs;
    for (int m = 0; m < size(); ++m) {
      ins.push_back(static_cast<const Scalar*>(group_->slot(m).in));
      outs.push_back(static_cast<Scalar*>(group_->slot(m).out));
    }
    sum_slice(ins, outs, rank() * numel / size(), (rank() + 1) * numel / size());
  }

  // The first message that is not expected as it is sent, or not sent as it is expected. Every
  // worker looks at all pairs, so that all find the same one.
  std::string unmatched_message(const Call& call) const {
    for (int from = 0; from < size(); ++from) {
      for (int to = 0; to < size(); ++to) {
        const Message* sent = find_peer(*group_->slot(from).sends, to);
        const Message* expected = find_peer(*group_->slot(to).receives, from);
        if (auto text = unmatched_pair(call, from, to, describe_message(sent),
                                       describe_message(expected))) {
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

std::vector<std::unique_ptr<Communicator>> make_thread_group(int workers, double timeout_seconds) {
  require(workers >= 1, "workers must be at least 1, got {}", workers);
  require(timeout_seconds > 0, "the timeout must be > 0 seconds, got {}", timeout_seconds);
  std::vector<std::unique_ptr<Communicator>> group;
  if (workers == 1) {
    group.push_back(make_solo());
    return group;
  }
  auto shared = std::make_shared<Group>(workers, timeout_seconds);
  for (int rank = 0; rank < workers; ++rank) {
    group.push_back(std::make_unique<ThreadCommunicator>(rank, shared));
  }
  return group;
}

}  // namespace valley
