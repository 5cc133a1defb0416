#include "app/engine/stop.h"

#include <unistd.h>

#include "app/exit_code.h"
#include "valley/core/clock.h"
#include "valley/core/stop_signals.h"

namespace valley::app {
namespace {

std::atomic<bool> stop{false};
StopWishes wishes;

void on_signal(int number, siginfo_t* info, void*) {
  const bool typed = info->si_code == SI_KERNEL;
  if (wishes.hear(number, typed, now_seconds()) == StopWish::kAtOnce)
    _exit(exit_code::kStoppedAtOnce);
  stop = true;
}

}  // namespace

const std::atomic<bool>& stop_on_signals() {
  install_stop_handler(on_signal);
  return stop;
}

}  // namespace valley::app
