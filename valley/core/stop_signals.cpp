#include "valley/core/stop_signals.h"

#include <iterator>

namespace valley {

StopWish StopWishes::hear(int number, bool typed, double now) {
  int none = 0;
  const bool of_a_person = number == SIGINT || number == SIGTERM;
  if (!of_a_person || number_.compare_exchange_strong(none, number)) {
    if (of_a_person) moment_ = now;
    return heard_.exchange(true) ? StopWish::kNoMore : StopWish::kSave;
  }
  // A moment of 0: the first is being heard at this very moment, by another thread.
  const bool soon = moment_ == 0 || now - moment_ < kEcho;
  return number == number_ && !typed && soon ? StopWish::kNoMore : StopWish::kAtOnce;
}

void install_stop_handler(StopHandler handler, struct sigaction* former) {
  for (size_t i = 0; i < std::size(kStopSignals); ++i) {
    const int number = kStopSignals[i];
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (former != nullptr) former[i] = before;
    const bool ignored = (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN;
    if (ignored && number != SIGINT && number != SIGTERM) continue;
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(number, &action, nullptr);
  }
}

void restore_stop_handlers(const struct sigaction* former) {
  for (size_t i = 0; i < std::size(kStopSignals); ++i) {
    sigaction(kStopSignals[i], &former[i], nullptr);
  }
}

}  // namespace valley
