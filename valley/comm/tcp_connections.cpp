#include "valley/comm/tcp_connections.h"

#include <fcntl.h>
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
#include <random>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "valley/comm/address.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kHelloSeconds = 2;  // until who has connected says who it is

// The first words on a connection: the word from the store, and who speaks.
struct Hello {
  uint64_t word = 0;
  int64_t rank = -1;
};

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

AddressList numeric_address(const std::string& address, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.c_str(), port.c_str(), &hints, &found);
  if (error != 0) throw std::runtime_error(fmt::format("'{}': {}", address, gai_strerror(error)));
  return {found, &freeaddrinfo};
}

TcpSocket make_socket(const addrinfo& address) {
  TcpSocket made(
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!made) throw std::runtime_error(fmt::format("no socket: {}", std::strerror(errno)));
  return made;
}

// Whether the socket is ready within the time.
bool ready(const TcpSocket& socket, short events, double seconds) {
  const double deadline = now_seconds() + seconds;
  while (true) {
    const double left = std::max(0.0, deadline - now_seconds());
    pollfd waiting{socket.fd(), events, 0};
    const int n = poll(&waiting, 1, static_cast<int>(left * 1000) + 1);
    if (n > 0) return true;
    if ((n == 0 || errno != EINTR) && now_seconds() >= deadline) return false;
  }
}

class Door {
 public:
  explicit Door(const std::string& address) : word_(std::random_device{}()) {
    word_ = word_ << 32 | std::random_device{}();
    const AddressList at = numeric_address(address, "0");
    socket_ = make_socket(*at);
    if (bind(socket_.fd(), at->ai_addr, at->ai_addrlen) != 0 ||
        listen(socket_.fd(), SOMAXCONN) != 0)
      throw std::runtime_error(
          fmt::format("cannot listen at {}: {}", address, std::strerror(errno)));
  }

  uint64_t word() const { return word_; }

  int port() const {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }

  // The next who knows the word, and its rank; no socket once the time is over.
  std::pair<TcpSocket, int64_t> let_in(double seconds) const {
    const double deadline = now_seconds() + seconds;
    while (ready(socket_, POLLIN, std::max(0.0, deadline - now_seconds()))) {
      TcpSocket guest(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      Hello hello;
      if (!guest || !ready(guest, POLLIN, kHelloSeconds)) continue;
      // So few bytes come at once, or never.
      if (recv(guest.fd(), &hello, sizeof(hello), 0) != sizeof(hello)) continue;
      if (hello.word == word_) return {std::move(guest), hello.rank};
    }
    return {};
  }

 private:
  uint64_t word_;
  TcpSocket socket_;
};

// 0, or why not.
int connect_to(const TcpSocket& socket, const addrinfo& address, double seconds) {
  if (connect(socket.fd(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!ready(socket, POLLOUT, seconds)) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

std::string door_key(int rank) { return fmt::format("door/{}", rank); }

TcpSocket knock(const std::string& door, int own_rank, double seconds) {
  std::istringstream in(door);
  Hello hello{0, own_rank};
  std::string port, address;
  in >> hello.word >> port >> address;
  const AddressList at = numeric_address(address, port);
  TcpSocket socket = make_socket(*at);
  int error = connect_to(socket, *at, seconds);
  if (error == 0 && send(socket.fd(), &hello, sizeof(hello), MSG_NOSIGNAL) != sizeof(hello))
    error = errno;
  if (error != 0)
    throw std::runtime_error(
        fmt::format("{}: {}", host_and_port(address, std::stoi(port)), std::strerror(error)));
  return socket;
}

}  // namespace

TcpSocket& TcpSocket::operator=(TcpSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

TcpSocket::~TcpSocket() {
  if (fd_ >= 0) close(fd_);
}

std::vector<TcpSocket> connect_to_all(const JoinOptions& options, Store& store) {
  const double deadline = now_seconds() + options.timeout_seconds;
  const auto left = [&] { return std::max(0.0, deadline - now_seconds()); };
  std::vector<TcpSocket> sockets(static_cast<size_t>(options.size));

  const Door door(options.address);
  store.set(door_key(options.rank),
            fmt::format("{} {} {}", door.word(), door.port(), options.address));
  for (int peer = 0; peer < options.rank; ++peer) {
    if (!store.wait(door_key(peer), left())) {
      throw CommError(fmt::format("a worker joined and vanished: no address under {} in the store",
                                  door_key(peer)));
    }
    sockets[static_cast<size_t>(peer)] = knock(*store.get(door_key(peer)), options.rank, left());
  }
  for (int missing = options.size - 1 - options.rank; missing > 0; --missing) {
    auto [socket, rank] = door.let_in(left());
    if (!socket) {
      throw std::runtime_error(fmt::format("{} of {} others were not heard of", missing,
                                           options.size - 1 - options.rank));
    }
    sockets.at(static_cast<size_t>(rank)) = std::move(socket);
  }
  for (const TcpSocket& socket : sockets) {
    const int on = 1;
    if (socket) setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return sockets;
}

}  // namespace valley
