#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace valley {

/// Somebody who connects to a port of this machine and says what it likes.
class Stranger {
 public:
  explicit Stranger(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  Stranger(Stranger&& other) noexcept : fd_(other.fd_), connected_(other.connected_) {
    other.fd_ = -1;
  }
  ~Stranger() {
    if (fd_ >= 0) close(fd_);
  }

  bool connected() const { return connected_; }
  void say(const std::string& words) const {
    [[maybe_unused]] const auto sent = send(fd_, words.data(), words.size(), MSG_NOSIGNAL);
  }
  /// What it hears until the connection ends, or 20 s have gone by without a word.
  std::string hear() const {
    std::string all;
    char piece[4096];
    for (ssize_t n; (n = recv(fd_, piece, sizeof(piece), 0)) > 0;)
      all.append(piece, static_cast<size_t>(n));
    return all;
  }

 private:
  int fd_;
  bool connected_ = false;
};

}  // namespace valley
