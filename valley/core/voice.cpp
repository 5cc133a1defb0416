#include "valley/core/voice.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>

namespace valley {

struct Voice::Shared {
  Shared(int file_, size_t room_) : file(file_), room(room_) {}

  const int file;
  const size_t room;

  std::mutex mutex;
  std::condition_variable news;   // for the thread
  std::condition_variable taken;  // for drain()
  std::string open;               // said since the last flush
  std::deque<std::string> pieces;
  size_t waiting = 0;      // bytes of `pieces`
  bool writing = false;    // a piece beyond these
  int64_t bytes_away = 0;  // written or lost
  bool deaf = false;       // a drain() has given up, and nobody has taken a byte since
  bool speaking = false;   // the thread is there
  bool ended = false;

  // Takes what it can be rid of; never more than one call's worth is in the kernel's hands.
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) {  // somebody who shares the file wants it so
        pollfd ready{.fd = file, .events = POLLOUT, .revents = 0};
        ::poll(&ready, 1, -1);
        continue;
      }
      // EPIPE, EIO, EBADF, ENOSPC: nobody will read these. The next ones may find a reader.
      const size_t away = written < 0 ? bytes.size() : static_cast<size_t>(written);
      bytes.remove_prefix(away);
      const std::lock_guard lock(mutex);
      bytes_away += static_cast<int64_t>(away);
      deaf = false;
      taken.notify_all();
    }
  }

  void speak() {
    std::unique_lock lock(mutex);
    while (true) {
      news.wait(lock, [this] { return !pieces.empty() || ended; });
      if (pieces.empty()) return;
      const std::string piece = std::move(pieces.front());
      pieces.pop_front();
      waiting -= piece.size();
      writing = true;
      lock.unlock();
      write(piece);
      lock.lock();
      writing = false;
      taken.notify_all();
    }
  }
};

namespace {

// No signal finds its way to a thread made in here: not one that wants a handler, nor SIGPIPE or
// SIGTTOU, which come to the thread that writes.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Voice::Voice(int file, size_t room) : shared_(std::make_shared<Shared>(file, room)) {}

Voice::~Voice() {
  Voice::sync();
  drain();
  const std::lock_guard lock(shared_->mutex);
  shared_->pieces.clear();
  shared_->ended = true;
  shared_->news.notify_all();
}

bool Voice::drain(double patience) {
  std::unique_lock lock(shared_->mutex);
  Shared& s = *shared_;
  const auto silent = [&] { return s.pieces.empty() && !s.writing; };
  while (!silent() && !s.deaf) {
    const int64_t before = s.bytes_away;
    const bool moved = s.taken.wait_for(lock, std::chrono::duration<double>(patience),
                                        [&] { return silent() || s.bytes_away != before; });
    s.deaf = !moved;
  }
  return silent();
}

Voice::int_type Voice::overflow(int_type character) {
  if (!traits_type::eq_int_type(character, traits_type::eof())) {
    const char text = traits_type::to_char_type(character);
    xsputn(&text, 1);
  }
  return traits_type::not_eof(character);
}

std::streamsize Voice::xsputn(const char* text, std::streamsize size) {
  const std::lock_guard lock(shared_->mutex);
  shared_->open.append(text, static_cast<size_t>(size));
  return size;
}

int Voice::sync() {
  const std::lock_guard lock(shared_->mutex);
  Shared& s = *shared_;
  if (s.open.empty()) return 0;
  while (!s.pieces.empty() && s.waiting + s.open.size() > s.room) {
    s.waiting -= s.pieces.front().size();
    s.pieces.pop_front();
  }
  s.waiting += s.open.size();
  s.pieces.push_back(std::move(s.open));
  s.open.clear();
  if (!s.speaking) {
    try {
      const NoSignals none;
      std::thread([shared = shared_] { shared->speak(); }).detach();
      s.speaking = true;
    } catch (const std::system_error&) {  // no room for a thread now: at the next word, perhaps
    }
  }
  s.news.notify_all();
  return 0;
}

}  // namespace valley
