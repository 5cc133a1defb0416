#pragma once

#include <chrono>
#include <vector>

#include "valley/comm/join.h"
#include "valley/comm/store.h"

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

/// Connects this worker to all others of its group: to those of lower rank, whose addresses are in
/// the store, while those of higher rank connect to it. Who knocks without the word that stands
/// beside the address in the store is sent away. Returns the sockets by rank (that of this worker
/// is none); they do not block, nor wait to fill a packet.
/// @throws CommError if a worker vanished before it had an address; std::runtime_error with the
/// kernel's reason, or if somebody has not connected within the timeout.
std::vector<TcpSocket> connect_to_all(const JoinOptions& options, Store& store);

}  // namespace valley
