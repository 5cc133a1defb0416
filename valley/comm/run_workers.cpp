#include <exception>
#include <mutex>
#include <thread>

#include "valley/comm/group.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// The exception to rethrow of all that the workers threw.
class FirstError {
 public:
  // To be called before the worker aborts the group, so that the echoes come later.
  void add(bool maybe_echo) {
    std::lock_guard lock(mutex_);
    std::exception_ptr& place = maybe_echo ? comm_ : real_;
    if (!place) place = std::current_exception();
  }

  void rethrow() const {
    if (real_) std::rethrow_exception(real_);
    if (comm_) std::rethrow_exception(comm_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr real_, comm_;
};

}  // namespace

void run_workers(int workers, const std::function<std::unique_ptr<Communicator>(int)>& make,
                 const std::function<void(Communicator&)>& fn) {
  FirstError error;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < workers; ++rank) {
    threads.emplace_back([&, rank] {
      std::unique_ptr<Communicator> comm;
      const auto give_up = [&](const std::string& reason, bool maybe_echo) {
        error.add(maybe_echo);
        if (comm) comm->abort(reason);
      };
      try {
        comm = make(rank);
        fn(*comm);
      } catch (const CommError& e) {
        give_up(e.marked(), true);
      } catch (const std::exception& e) {
        give_up(marked_text(e), false);
      } catch (...) {
        give_up("it threw something that is no std::exception", false);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  error.rethrow();
}

void run_threads(int workers, const std::function<void(Communicator&)>& fn,
                 double timeout_seconds) {
  auto group = make_thread_group(workers, timeout_seconds);
  if (workers == 1) return fn(*group[0]);
  run_workers(
      workers, [&](int rank) { return std::move(group[static_cast<size_t>(rank)]); }, fn);
}

}  // namespace valley
