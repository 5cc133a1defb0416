#include <unistd.h>

#include <atomic>

#include "app/commands.h"
#include "valley/core/clock.h"
#include "valley/core/stop_signals.h"

namespace valley::app {
namespace {

std::atomic<bool> stop{false};
StopWishes wishes;

void on_signal(int number, siginfo_t* info, void*) {
  const bool typed = info->si_code == SI_KERNEL;
  // 128 + SIGINT is what a shell expects of an interrupted program.
  if (wishes.hear(number, typed, now_seconds()) == StopWish::kAtOnce) _exit(130);
  stop = true;
}

}  // namespace

const std::atomic<bool>& stop_on_signals() {
  install_stop_handler(on_signal);
  return stop;
}

}  // namespace valley::app
