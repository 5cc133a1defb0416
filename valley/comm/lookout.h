#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/Work.hpp>

namespace valley {

/// A wait was given up for what the lookout has seen.
struct GivenUp : std::exception {};

/// Ends the waits of a worker for works of c10d before they end by themselves: after its timeout,
/// or when the group has ended. A thread looks, only while operations last; a work that ends soon
/// costs no more than without.
class Lookout {
 public:
  enum Sight { kNothing, kTimeout, kEnded, kStopped };

  /// `ended`, of the number of the operation under way, says whether the group has ended; it is
  /// called on the lookout's thread.
  Lookout(double timeout_seconds, std::function<bool(int64_t sequence)> ended);
  ~Lookout();

  /// An operation begins, and ends. Only one at a time.
  void begin(int64_t sequence);
  void end();

  /// Waits for a send or receive. @throws GivenUp; what the work throws.
  void wait_message(const c10::intrusive_ptr<c10d::Work>& work);

  /// The same for a collective, or for anything on another device.
  void wait_collective(const c10::intrusive_ptr<c10d::Work>& work, bool on_cpu);

  /// Gives up what is under way, and all that comes; from any thread.
  void stop();

  Sight sight() const;

 private:
  void loop();
  void see(Sight sight);

  const double timeout_;
  const std::function<bool(int64_t)> ended_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Sight sight_ = kNothing;
  bool closing_ = false, asleep_ = false;
  int64_t sequence_ = 0;  // of the operation under way; 0: none
  double start_ = 0;
  c10::intrusive_ptr<c10d::Work> message_;  // waited for, without holding the mutex
  std::thread thread_;                      // last: it uses the others
};

}  // namespace valley
