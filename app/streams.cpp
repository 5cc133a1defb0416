#include "app/streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

namespace valley::app {
namespace {

// Reading only: what is written there fails as it did while it was closed.
bool open_closed_files() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(file, F_GETFD) == -1) [[maybe_unused]]
      const int opened = open("/dev/null", O_RDONLY);
  }
  return true;
}

}  // namespace

Streams::Streams()
    : voice_((open_closed_files(), STDERR_FILENO)),
      drain_(voice_),
      drained_(&drain_),
      former_(std::cerr.rdbuf(&voice_)) {
  std::cout.tie(&drained_);
}

Streams::~Streams() {
  std::cout.tie(nullptr);
  std::cerr.rdbuf(former_);
}

void Streams::outlive_readers() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTTOU, SIG_IGN);  // a terminal's `stty tostop` stops who writes in the background
}

}  // namespace valley::app
