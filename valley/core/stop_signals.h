#pragma once

#include <atomic>
#include <csignal>

namespace valley {

/// The signals that ask a program to save its work and end: of a person (SIGINT, SIGTERM), of a
/// terminal that goes away (SIGHUP), of schedulers and limits before time is up (SIGUSR1, SIGUSR2,
/// SIGXCPU).
inline constexpr int kStopSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};

/// What a signal asks for, after those before it.
enum class StopWish {
  kSave,    ///< the first: save and end
  kNoMore,  ///< than is being done already
  kAtOnce,  ///< a person does not want to wait: end now
};

/// Tells an insisting person from the same wish that arrives twice. SIGINT and SIGTERM insist if
/// one of them came before; but `timeout`, torchrun and shells send one signal to a process and to
/// its group, so that the same number again within kEcho seconds says nothing new, unless both were
/// typed. Hang-ups and schedulers never insist.
class StopWishes {
 public:
  static constexpr double kEcho = 2;  ///< seconds

  /// For a signal handler: takes no lock. `now` in seconds, above 0; `typed` says that a terminal
  /// sent it (si_code is SI_KERNEL).
  StopWish hear(int number, bool typed, double now);

 private:
  std::atomic<bool> heard_{false};
  std::atomic<int> number_{0};     // of the first SIGINT or SIGTERM
  std::atomic<double> moment_{0};  // of that
};

using StopHandler = void (*)(int number, siginfo_t* info, void* context);

/// Calls `handler` for every signal above; but signals other than SIGINT and SIGTERM that are
/// ignored stay so (nohup). Interrupted system calls go on. The former actions go to `former`, in
/// the order of kStopSignals, if it is not null.
void install_stop_handler(StopHandler handler, struct sigaction* former = nullptr);

/// Puts them back.
void restore_stop_handlers(const struct sigaction* former);

}  // namespace valley
