#include "valley/comm/communicator.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <thread>
#include <utility>

#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

void require_plain(Operation operation, const at::Tensor& x) {
  require(x.defined(), "{}: the tensor is undefined", name(operation));
  require(x.device().is_cpu(), "{}: the tensor must be on the CPU, got {}", name(operation),
          x.device().str());
  require(x.is_contiguous(), "{}: the tensor must be contiguous", name(operation));
}

void require_messages(const std::vector<Message>& messages, std::string_view what, int rank,
                      int size) {
  std::vector<bool> seen(static_cast<size_t>(size));
  for (const Message& message : messages) {
    require_plain(Operation::kExchange, message.tensor);
    require(0 <= message.peer && message.peer < size && message.peer != rank,
            "exchange: peer must be another rank in [0, {}), got {}", size, message.peer);
    require(!seen[static_cast<size_t>(message.peer)], "exchange: two {} rank {} in one call", what,
            message.peer);
    seen[static_cast<size_t>(message.peer)] = true;
  }
}

void require_reducible(const at::Tensor& in, const at::Tensor& out) {
  constexpr auto kOperation = Operation::kAllReduce;
  require_plain(kOperation, in);
  require_plain(kOperation, out);
  require(in.scalar_type() == at::kFloat || in.scalar_type() == at::kDouble,
          "all_reduce: the dtype must be float or double, got {}", c10::toString(in.scalar_type()));
  require(in.scalar_type() == out.scalar_type(), "all_reduce: in is {}, out is {}",
          c10::toString(in.scalar_type()), c10::toString(out.scalar_type()));
  require(in.numel() == out.numel(), "all_reduce: in has {} values, out has {}", in.numel(),
          out.numel());
  const char* a = static_cast<const char*>(in.data_ptr());
  const char* b = static_cast<const char*>(out.data_ptr());
  const auto bytes = static_cast<int64_t>(in.nbytes());
  require(a == b || a + bytes <= b || b + bytes <= a,
          "all_reduce: in and out overlap; they must be the same memory or apart");
}

template <typename Scalar>
void divide(Scalar* x, int64_t begin, int64_t end, int by) {
  for (int64_t i = begin; i < end; ++i) x[i] /= static_cast<Scalar>(by);
}

}  // namespace

// One thread that runs started operations in order.
class Communicator::Progress {
 public:
  Progress() : thread_([this] { loop(); }) {}

  ~Progress() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void push(std::function<void()> task) {
    {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      ++unfinished_;
    }
    changed_.notify_all();
  }

  void drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return unfinished_ == 0; });
  }

 private:
  void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      task = nullptr;  // lets go of the tensors before the operation counts as finished
      lock.lock();
      --unfinished_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  int64_t unfinished_ = 0;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

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
    ScopedTimer timer(comm_.stats_[static_cast<size_t>(operation_)].seconds);
    const double start = now_seconds();
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->done; });
    comm_.stats_[static_cast<size_t>(operation_)].wait_seconds +=
        std::max(0.0, state_->met - start);
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

Communicator::Communicator(int rank, int size) : rank_(rank), size_(size) {}

Communicator::~Communicator() = default;

void Communicator::finish_started() noexcept { progress_.reset(); }

Call Communicator::next_call(Operation operation, int64_t numel, at::ScalarType dtype) {
  throw_if_failed();
  Call call;
  call.operation = operation;
  call.numel = numel;
  call.dtype = dtype;
  call.sequence = ++sequence_;
  call.stop = stop_requested_;
  return call;
}

void Communicator::throw_if_failed() {
  std::lock_guard lock(failure_mutex_);
  if (!failure_.empty()) throw CommError("the group has ended: " + failure_);
}

// Whatever a hook throws ends the communicator: this worker may have left the operation halfway.
void Communicator::guarded(Call& call, const std::function<void(Call&)>& hook) {
  const auto fail = [&](const std::string& text) {
    std::lock_guard lock(failure_mutex_);
    if (failure_.empty()) failure_ = text;
  };
  try {
    throw_if_failed();
    hook(call);
  } catch (const std::exception& error) {
    fail(marked_text(error));
    throw;
  } catch (...) {
    fail(label(call) + " was left by an exception");
    throw;
  }
}

void Communicator::count(Operation operation, int64_t bytes, double seconds) {
  OperationStats& stats = stats_[static_cast<size_t>(operation)];
  ++stats.calls;
  stats.bytes += size_ > 1 ? bytes : 0;
  stats.seconds += seconds;
}

template <typename Hook>
void Communicator::run(Call call, int64_t bytes, const Hook& hook) {
  const double start = now_seconds();
  if (progress_) progress_->drain();
  guarded(call, std::ref(hook));
  stop_agreed_ = stop_agreed_ || call.stop;
  count(call.operation, bytes, now_seconds() - start);
  stats_[static_cast<size_t>(call.operation)].wait_seconds += std::max(0.0, call.met - start);
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

void Communicator::all_reduce_sum(const at::Tensor& in, at::Tensor out,
                                  const ChunkCallback& on_chunk) {
  require_reducible(in, out);
  run(next_call(Operation::kAllReduce, in.numel(), in.scalar_type()),
      static_cast<int64_t>(in.nbytes()),
      [&](Call& call) { do_all_reduce_sum(call, in.data_ptr(), out.data_ptr(), on_chunk); });
}

std::unique_ptr<Work> Communicator::start_all_reduce_sum(const at::Tensor& in, at::Tensor out) {
  require_reducible(in, out);
  return start(next_call(Operation::kAllReduce, in.numel(), in.scalar_type()),
               static_cast<int64_t>(in.nbytes()), [this, in, out](Call& call) {
                 do_all_reduce_sum(call, in.data_ptr(), out.data_ptr(), {});
               });
}

void Communicator::all_reduce_mean(at::Tensor x) {
  const int workers = size_;
  if (x.defined() && x.scalar_type() == at::kDouble) {
    double* data = static_cast<double*>(x.data_ptr());
    all_reduce_sum(x, x, [=](int64_t begin, int64_t end) { divide(data, begin, end, workers); });
  } else {  // all_reduce_sum refuses what is not float
    float* data = x.defined() ? static_cast<float*>(x.data_ptr()) : nullptr;
    all_reduce_sum(x, x, [=](int64_t begin, int64_t end) { divide(data, begin, end, workers); });
  }
}

at::Tensor Communicator::all_gather(const at::Tensor& in) {
  require_plain(Operation::kAllGather, in);
  std::vector<int64_t> sizes = in.sizes().vec();
  sizes.insert(sizes.begin(), size_);
  at::Tensor out = at::empty(sizes, in.options().requires_grad(false));
  run(next_call(Operation::kAllGather, in.numel(), in.scalar_type()),
      static_cast<int64_t>(in.nbytes()),
      [&](Call& call) { do_all_gather(call, in.data_ptr(), out.data_ptr()); });
  return out;
}

void Communicator::broadcast(at::Tensor x, int root) {
  require_plain(Operation::kBroadcast, x);
  require(0 <= root && root < size_, "broadcast: root must be in [0, {}), got {}", size_, root);
  Call call = next_call(Operation::kBroadcast, x.numel(), x.scalar_type());
  call.root = root;
  run(call, static_cast<int64_t>(x.nbytes()), [&](Call& c) { do_broadcast(c, x.data_ptr()); });
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
  require_messages(sends, "sends to", rank_, size_);
  require_messages(receives, "receives from", rank_, size_);
  run(next_call(Operation::kExchange), total_nbytes(sends),
      [&](Call& call) { do_exchange(call, sends, receives); });
}

std::unique_ptr<Work> Communicator::start_exchange(const std::vector<Message>& sends,
                                                   const std::vector<Message>& receives) {
  require_messages(sends, "sends to", rank_, size_);
  require_messages(receives, "receives from", rank_, size_);
  return start(next_call(Operation::kExchange), total_nbytes(sends),
               [this, sends, receives](Call& call) { do_exchange(call, sends, receives); });
}

void Communicator::barrier() {
  run(next_call(Operation::kBarrier), 0, [&](Call& call) { do_barrier(call); });
}

std::vector<std::string> Communicator::all_gather_text(const std::string& text) {
  Call call = next_call(Operation::kAllGather);
  call.text = true;
  std::vector<std::string> texts;
  run(call, static_cast<int64_t>(text.size()),
      [&](Call& c) { texts = do_all_gather_text(c, text); });
  return texts;
}

void Communicator::do_share(Call&, std::shared_ptr<void>&) {}

std::shared_ptr<void> Communicator::share_any(std::shared_ptr<void> mine) {
  require(shares_memory(), "the workers of backend {} share no memory", backend());
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
