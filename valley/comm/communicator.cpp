#include "valley/comm/communicator.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "valley/comm/call_checks.h"
#include "valley/comm/family.h"
#include "valley/comm/lerp_to_mean.h"
#include "valley/comm/progress.h"
#include "valley/comm/ranks.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
class Communicator::StartedWork : public Work {
 public:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    bool stop = false;
    double met = 0;
    std::exception_ptr error;
  };

  StartedWork(Communicator& comm, Operation operation, std::shared_ptr<State> state)
      : comm_(comm), operation_(operation), state_(std::move(state)) {}

  ~StartedWork() override {
    if (waited_ || std::uncaught_exceptions() > exceptions_) return;
    try {
      wait();
    } catch (...) {  // the error stays with the communicator; its next operation throws it
    }
  }

  void wait() override {
    if (waited_) return;
    waited_ = true;
    const double start = now_seconds();
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->done; });
    comm_.add(operation_, {.seconds = now_seconds() - start,
                           .wait_seconds = std::max(0.0, state_->met - start)});
    // Here and not when the operation ends, so that all workers see the change at the same place.
    comm_.stop_agreed_ = comm_.stop_agreed_ || state_->stop;
    if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
  }

 private:
  Communicator& comm_;
  Operation operation_;
  std::shared_ptr<State> state_;
  bool waited_ = false;
  int exceptions_ = std::uncaught_exceptions();
};

OperationStats& OperationStats::operator+=(const OperationStats& other) {
  calls += other.calls;
  bytes += other.bytes;
  seconds += other.seconds;
  wait_seconds += other.wait_seconds;
  return *this;
}

Communicator::Communicator(int rank, std::vector<int> global_ranks)
    : rank_(rank),
      size_(static_cast<int>(global_ranks.size())),
      global_ranks_(std::move(global_ranks)),
      family_(std::make_shared<Family>()) {
  family_->enter(*this);
}

Communicator::Communicator(int rank, int size) : Communicator(rank, everyone(size)) {}

Communicator::~Communicator() { family_->leave(*this); }

void Communicator::finish_started() noexcept {
  progress_.reset();
  family_->leave(*this);
}

std::vector<int> Communicator::global_ranks_of(const std::vector<int>& ranks) const {
  std::vector<int> result;
  for (const int rank : ranks) result.push_back(global_rank(rank));
  return result;
}

void Communicator::request_stop() { family_->stop_requested = true; }

void Communicator::abort(const std::string& reason) noexcept { family_->abort(reason); }

Call Communicator::next_call(Operation operation) {
  family_->throw_if_failed();
  Call call;
  call.operation = operation;
  call.sequence = ++sequence_;
  call.stop = family_->stop_requested;
  return call;
}

Call Communicator::call_of(Operation operation, const at::Tensor& x) {
  Call call = next_call(operation);
  call.numel = x.numel();
  call.dtype = x.scalar_type();
  return call;
}

// Whatever a hook throws ends the communicator: this worker may have left the operation halfway.
void Communicator::guarded(Call& call, const std::function<void(Call&)>& hook) {
  const auto fail = [&](const std::string& text) {
    family_->fail(text, *this, global_rank(rank_), text);
  };
  try {
    family_->throw_if_failed();
    hook(call);
  } catch (const WorkerLost& lost) {
    family_->fail(lost.what(), *this, lost.global_rank, lost.reason);
    throw;
  } catch (const std::exception& error) {
    fail(marked_text(error));
    throw;
  } catch (...) {
    fail(label(call) + " was left by an exception");
    throw;
  }
}

void Communicator::count(Operation operation, int64_t bytes, double seconds) {
  add(operation, {.calls = 1, .bytes = size_ > 1 ? bytes : 0, .seconds = seconds});
}

void Communicator::add(Operation operation, const OperationStats& more) {
  family_->add(*this, operation, more);
}

template <typename Hook>
void Communicator::run(Call call, int64_t bytes, const Hook& hook) {
  const double start = now_seconds();
  if (progress_) progress_->drain();
  guarded(call, std::ref(hook));
  stop_agreed_ = stop_agreed_ || call.stop;
  add(call.operation, {.calls = 1,
                       .bytes = size_ > 1 ? bytes : 0,
                       .seconds = now_seconds() - start,
                       .wait_seconds = std::max(0.0, call.met - start)});
}

std::unique_ptr<Work> Communicator::start(Call call, int64_t bytes,
                                          std::function<void(Call&)> hook) {
  const double start = now_seconds();
  auto state = std::make_shared<StartedWork::State>();
  auto task = [this, call, state, hook = std::move(hook)]() mutable {
    std::exception_ptr error;
    try {
      guarded(call, hook);
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(state->mutex);
    state->stop = call.stop && !error;
    state->met = call.met;
    state->error = std::move(error);  // wholly the waiter's from here on
    state->done = true;
    state->changed.notify_all();
  };
  if (size_ == 1) {
    task();
  } else {
    if (!progress_) progress_ = std::make_unique<Progress>();
    progress_->push(std::move(task));
  }
  count(call.operation, bytes, now_seconds() - start);
  return std::make_unique<StartedWork>(*this, call.operation, std::move(state));
}

void Communicator::all_reduce_sum(const at::Tensor& in, at::Tensor out) {
  require_addends(*this, in, out);
  run(call_of(Operation::kAllReduce, in), static_cast<int64_t>(in.nbytes()),
      [&](Call& call) { do_all_reduce_sum(call, in, out); });
}

std::unique_ptr<Work> Communicator::start_all_reduce_sum(const at::Tensor& in, at::Tensor out,
                                                         std::function<void()> then) {
  require_addends(*this, in, out);
  return start(call_of(Operation::kAllReduce, in), static_cast<int64_t>(in.nbytes()),
               [this, in, out, then = std::move(then)](Call& call) mutable {
                 do_all_reduce_sum(call, in, out);
                 if (then) then();
               });
}

namespace {

void require_apart(const at::Tensor& x, const at::Tensor& sum) {
  require(x.numel() == 0 || x.data_ptr() != sum.data_ptr(),
          "all_reduce: norms beside the sum need x and the sum apart");
}

}  // namespace

SquaredNorms Communicator::all_reduce_sum_norms(const at::Tensor& x, at::Tensor sum) {
  require_addends(*this, x, sum);
  require_apart(x, sum);
  SquaredNorms norms;
  run(call_of(Operation::kAllReduce, x), static_cast<int64_t>(x.nbytes()),
      [&](Call& call) { norms = do_all_reduce_sum_norms(call, x, sum); });
  return norms;
}

SquaredNorms Communicator::do_all_reduce_sum_norms(Call& call, const at::Tensor& x,
                                                   at::Tensor& sum) {
  do_all_reduce_sum(call, x, sum);
  return squared_norms_on_device(x, sum, size_);
}

SquaredNorms Communicator::all_reduce_lerp(at::Tensor x, at::Tensor room,
                                           const WeightOfNorms& weight) {
  require_addends(*this, x, room);
  require_apart(x, room);
  SquaredNorms norms;
  run(call_of(Operation::kAllReduce, x), static_cast<int64_t>(x.nbytes()),
      [&](Call& call) { norms = do_all_reduce_lerp(call, x, room, weight); });
  return norms;
}

SquaredNorms Communicator::do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                              const WeightOfNorms& weight) {
  const SquaredNorms norms = do_all_reduce_sum_norms(call, x, room);
  lerp_to_mean(x, room, size_, weight(norms));
  return norms;
}

void Communicator::all_reduce_mean(at::Tensor x) {
  require_addends(*this, x, x);
  run(call_of(Operation::kAllReduce, x), static_cast<int64_t>(x.nbytes()),
      [&](Call& call) { do_all_reduce_mean(call, x); });
}

void Communicator::do_all_reduce_mean(Call& call, at::Tensor& x) {
  do_all_reduce_sum(call, x, x);
  x.div_(size_);
}

at::Tensor Communicator::all_gather(const at::Tensor& in) {
  require_takes(*this, Operation::kAllGather, in);
  std::vector<int64_t> sizes = in.sizes().vec();
  sizes.insert(sizes.begin(), size_);
  at::Tensor out = at::empty(sizes, in.options().requires_grad(false));
  run(call_of(Operation::kAllGather, in), static_cast<int64_t>(in.nbytes()),
      [&](Call& call) { do_all_gather(call, in, out); });
  return out;
}

std::unique_ptr<Work> Communicator::start_all_gather(const at::Tensor& in, at::Tensor out,
                                                     std::function<void()> then) {
  require_takes(*this, Operation::kAllGather, in);
  require_takes(*this, Operation::kAllGather, out);
  require(out.dim() > 0 && out.size(0) == size_ && out.numel() == size_ * in.numel() &&
              out.scalar_type() == in.scalar_type(),
          "all_gather: {} values of each of {} workers need a row each, got room for {}",
          in.numel(), size_, out.numel());
  return start(call_of(Operation::kAllGather, in), static_cast<int64_t>(in.nbytes()),
               [this, in, out, then = std::move(then)](Call& call) mutable {
                 do_all_gather(call, in, out);
                 if (then) then();
               });
}

Call Communicator::call_from(int root, const at::Tensor& x) {
  require_takes(*this, Operation::kBroadcast, x);
  require(0 <= root && root < size_, "broadcast: root must be in [0, {}), got {}", size_, root);
  Call call = call_of(Operation::kBroadcast, x);
  call.root = root;
  return call;
}

void Communicator::broadcast(at::Tensor x, int root) {
  run(call_from(root, x), static_cast<int64_t>(x.nbytes()), [&](Call& c) { do_broadcast(c, x); });
}

std::unique_ptr<Work> Communicator::start_broadcast(at::Tensor x, int root) {
  return start(call_from(root, x), static_cast<int64_t>(x.nbytes()),
               [this, x](Call& call) mutable { do_broadcast(call, x); });
}

namespace {

int64_t total_nbytes(const std::vector<Message>& messages) {
  int64_t bytes = 0;
  for (const Message& message : messages) bytes += static_cast<int64_t>(message.tensor.nbytes());
  return bytes;
}

}  // namespace

void Communicator::exchange(const std::vector<Message>& sends,
                            const std::vector<Message>& receives) {
  require_messages(*this, sends, "sends to");
  require_messages(*this, receives, "receives from");
  run(next_call(Operation::kExchange), total_nbytes(sends),
      [&](Call& call) { do_exchange(call, sends, receives); });
}

std::unique_ptr<Work> Communicator::start_exchange(const std::vector<Message>& sends,
                                                   const std::vector<Message>& receives,
                                                   std::function<void()> then) {
  require_messages(*this, sends, "sends to");
  require_messages(*this, receives, "receives from");
  return start(next_call(Operation::kExchange), total_nbytes(sends),
               [this, sends, receives, then = std::move(then)](Call& call) {
                 do_exchange(call, sends, receives);
                 if (then) then();
               });
}

void Communicator::barrier() {
  run(next_call(Operation::kBarrier), 0, [&](Call& call) { do_barrier(call); });
}

std::vector<std::string> Communicator::all_gather_text(const std::string& text) {
  return gather_texts(/*root=*/-1, text);
}

std::vector<std::string> Communicator::gather_text(const std::string& text) {
  std::vector<std::string> texts = gather_texts(/*root=*/0, text);
  if (rank_ != 0) texts.clear();
  return texts;
}

std::vector<std::string> Communicator::gather_texts(int root, const std::string& text) {
  Call call = next_call(Operation::kAllGather);
  call.text = true;
  call.root = root;
  std::vector<std::string> texts;
  run(call, static_cast<int64_t>(text.size()),
      [&](Call& c) { texts = do_all_gather_text(c, text); });
  return texts;
}

std::unique_ptr<Communicator> Communicator::split(int color) {
  std::unique_ptr<Communicator> part;
  run(next_call(Operation::kSplit), 0, [&](Call& call) {
    const std::vector<std::string> colors = do_all_gather_text(call, std::to_string(color));
    std::vector<int> members;
    for (int m = 0; m < size_; ++m) {
      if (colors[static_cast<size_t>(m)] == colors[static_cast<size_t>(rank_)])
        members.push_back(m);
    }
    part = do_split(call, members);
  });
  part->parent_ = this;
  part->family_ = family_;
  family_->enter(*part);
  return part;
}

void Communicator::do_share(Call&, std::shared_ptr<void>&) {}

std::shared_ptr<void> Communicator::share_any(std::shared_ptr<void> mine) {
  require(capabilities().shares_memory, "the workers of backend {} share no memory", backend());
  run(next_call(Operation::kShare), 0, [&](Call& call) { do_share(call, mine); });
  return mine;
}

int64_t Communicator::total_bytes() const {
  int64_t bytes = 0;
  for (const OperationStats& stats : stats_) bytes += stats.bytes;
  return bytes;
}

double Communicator::total_wait_seconds() const {
  double seconds = 0;
  for (const OperationStats& stats : stats_) seconds += stats.wait_seconds;
  return seconds;
}

}  // namespace valley
