#pragma once

#include <string>

namespace valley {

/// A socket, closed with the last of it.
class TcpSocket {
 public:
  TcpSocket() = default;
  explicit TcpSocket(int fd) : fd_(fd) {}
  TcpSocket(TcpSocket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  TcpSocket& operator=(TcpSocket&& other) noexcept;
  ~TcpSocket();

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Sockets do not block, and none is inherited by another program. What follows throws
// std::runtime_error with the kernel's reason.

/// Listens at a numeric address; port 0: any free one.
TcpSocket listen_at(const std::string& address, int port);

/// The port it listens at.
int port_of(const TcpSocket& socket);

/// Who waits there, or no socket; the numeric address of the other end in `from`.
TcpSocket accept_one(const TcpSocket& listening, std::string& from);

/// Begins to connect to a numeric address: once the socket can be read from or written to, it has,
/// or reading from it tells why not.
TcpSocket begin_to_connect(const std::string& address, int port);

/// Whether one of the `events` of poll() happens within the time.
bool ready(const TcpSocket& socket, short events, double seconds);

/// Messages do not wait for a packet to be full.
void send_at_once(const TcpSocket& socket);

}  // namespace valley
