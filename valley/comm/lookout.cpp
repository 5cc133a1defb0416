#include "valley/comm/lookout.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "valley/core/clock.h"

namespace valley {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;

constexpr double kTick = 0.01;         // seconds
constexpr double kLongestPause = 0.1;  // between two looks
constexpr int kTicksAwake = 100;       // after the last operation
constexpr milliseconds kSlice(100);    // of a wait for a collective

}  // namespace

Lookout::Lookout(double timeout_seconds, std::function<bool(int64_t)> ended)
    : timeout_(timeout_seconds), ended_(std::move(ended)), thread_([this] { loop(); }) {}

Lookout::~Lookout() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Lookout::begin(int64_t sequence) {
  const std::lock_guard lock(mutex_);
  sequence_ = sequence;
  start_ = now_seconds();
  if (asleep_) changed_.notify_all();
}

void Lookout::end() {
  const std::lock_guard lock(mutex_);
  sequence_ = 0;
}

void Lookout::wait_message(const c10::intrusive_ptr<c10d::Work>& work) {
  {
    const std::lock_guard lock(mutex_);
    if (sight_ != kNothing) throw GivenUp();
    message_ = work;
  }
  std::exception_ptr error;
  bool done = false;
  try {
    done = work->wait();
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  message_.reset();
  if (error && sight_ == kNothing) std::rethrow_exception(error);
  if (!done) throw GivenUp();
}

void Lookout::wait_collective(const c10::intrusive_ptr<c10d::Work>& work, bool on_cpu) {
  double pause = 20e-6;
  while (!work->isCompleted()) {
    if (sight() != kNothing) throw GivenUp();
    const double start = now_seconds();
    if (on_cpu) {
      try {
        if (work->wait(kSlice)) break;
      } catch (const std::exception&) {
        if (work->isCompleted()) throw;  // else the slice is over
      }
    }
    if (on_cpu && now_seconds() - start > 1e-3) continue;
    std::this_thread::sleep_for(duration<double>(pause));
    pause = std::min(2 * pause, 1e-3);
  }
  if (!work->isSuccess()) std::rethrow_exception(work->exception());
  work->synchronize();
}

void Lookout::stop() {
  const std::lock_guard lock(mutex_);
  see(kStopped);
}

Lookout::Sight Lookout::sight() const {
  const std::lock_guard lock(mutex_);
  return sight_;
}

// The first counts. A collective is given up by whoever waits for it.
void Lookout::see(Sight sight) {
  if (sight_ == kNothing) sight_ = sight;
  if (!message_) return;
  try {
    message_->abort();
  } catch (const std::exception&) {  // a group that cannot: the wait ends with the group's timeout
  }
}

// It sleeps a while after the last operation: so that, of operations that follow each other
// quickly, none has to wake it.
void Lookout::loop() {
  std::unique_lock lock(mutex_);
  int idle = 0;
  double next_look = 0;
  int64_t seen = 0;
  while (!closing_) {
    if (idle > kTicksAwake) {
      asleep_ = true;
      changed_.wait(lock, [&] { return closing_ || sequence_ != 0; });
      asleep_ = false;
    }
    changed_.wait_for(lock, duration<double>(kTick), [&] { return closing_; });
    idle = sequence_ == 0 ? idle + 1 : 0;
    if (closing_ || sequence_ == 0 || sight_ != kNothing) continue;
    const double now = now_seconds();
    if (now - start_ >= timeout_) {
      see(kTimeout);
      continue;
    }
    if (sequence_ != seen) next_look = 0;
    seen = sequence_;
    if (now < next_look) continue;
    next_look = now + std::min(kLongestPause, std::max(kTick, (now - start_) / 2));
    lock.unlock();
    const bool ended = ended_(seen);
    lock.lock();
    if (ended && sequence_ == seen) see(kEnded);
  }
}

}  // namespace valley
