#include "valley/comm/tcp_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

#include "valley/core/clock.h"

namespace valley {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList numeric_address(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) throw std::runtime_error(fmt::format("'{}': {}", address, gai_strerror(error)));
  return {found, &freeaddrinfo};
}

TcpSocket make_socket(const addrinfo& address) {
  TcpSocket made(
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!made) throw std::runtime_error(fmt::format("no socket: {}", std::strerror(errno)));
  return made;
}

void turn_on(const TcpSocket& socket, int level, int option) {
  const int on = 1;
  setsockopt(socket.fd(), level, option, &on, sizeof(on));
}

}  // namespace

TcpSocket& TcpSocket::operator=(TcpSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

TcpSocket::~TcpSocket() {
  if (fd_ >= 0) close(fd_);
}

TcpSocket listen_at(const std::string& address, int port) {
  const AddressList at = numeric_address(address, port);
  TcpSocket socket = make_socket(*at);
  // A port that is free but for connections which have just ended is free.
  if (port != 0) turn_on(socket, SOL_SOCKET, SO_REUSEADDR);
  if (bind(socket.fd(), at->ai_addr, at->ai_addrlen) != 0 || listen(socket.fd(), SOMAXCONN) != 0)
    throw std::runtime_error(fmt::format("cannot listen at {}: {}", address, std::strerror(errno)));
  return socket;
}

int port_of(const TcpSocket& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

TcpSocket accept_one(const TcpSocket& listening, std::string& from) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  TcpSocket guest(accept4(listening.fd(), reinterpret_cast<sockaddr*>(&address), &length,
                          SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!guest) return guest;
  char text[NI_MAXHOST] = "";
  getnameinfo(reinterpret_cast<const sockaddr*>(&address), length, text, sizeof(text), nullptr, 0,
              NI_NUMERICHOST);
  from = text;
  if (from.starts_with("::ffff:")) from = from.substr(7);  // IPv4, seen by a socket of both
  return guest;
}

TcpSocket begin_to_connect(const std::string& address, int port) {
  const AddressList at = numeric_address(address, port);
  TcpSocket socket = make_socket(*at);
  if (connect(socket.fd(), at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS)
    throw std::runtime_error(std::strerror(errno));
  return socket;
}

bool ready(const TcpSocket& socket, short events, double seconds) {
  const double deadline = now_seconds() + seconds;
  while (true) {
    const double left = std::max(0.0, deadline - now_seconds());
    pollfd waiting{socket.fd(), events, 0};
    const int n = poll(&waiting, 1, static_cast<int>(std::min(left, 1e6) * 1000) + 1);
    if (n > 0) return true;
    if ((n == 0 || errno != EINTR) && now_seconds() >= deadline) return false;
  }
}

void send_at_once(const TcpSocket& socket) { turn_on(socket, IPPROTO_TCP, TCP_NODELAY); }

}  // namespace valley
