#include "valley/comm/address.h"

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

constexpr int kConnectMilliseconds = 1000;
constexpr const char* kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// `reason` says why there are none.
Addresses resolve(const std::string& host, int port, int flags, std::string& reason) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code == EAI_SYSTEM) {
    reason = std::strerror(errno);
  } else if (code != 0) {
    reason = gai_strerror(code);
  }
  return {code == 0 ? found : nullptr, &freeaddrinfo};
}

std::string numeric(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST];
  if (getnameinfo(address, length, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text;
}

class Socket {
 public:
  Socket(int family, int type) : fd_(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int fd() const { return fd_; }

  std::string local_address() const {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    return getsockname(fd_, plain, &length) == 0 ? numeric(plain, length) : "";
  }

 private:
  int fd_;
};

// 0, or why not.
int connect_within(const Socket& socket, const addrinfo& to) {
  if (socket.fd() < 0) return errno;
  if (connect(socket.fd(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd poll_fd{socket.fd(), POLLOUT, 0};
  if (poll(&poll_fd, 1, kConnectMilliseconds) != 1) return ETIMEDOUT;
  int error = 0;
  socklen_t length = sizeof(error);
  return getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

// Connects a socket of the type to one address of the host after the other, till one takes it.
Route try_each(const std::string& host, int port, int type,
               const std::function<bool(const std::string&)>& worth_trying) {
  Route route;
  const Addresses found = resolve(host, port, 0, route.reason);
  route.resolved = found != nullptr;
  for (const addrinfo* a = found.get(); a != nullptr; a = a->ai_next) {
    const std::string remote = numeric(a->ai_addr, a->ai_addrlen);
    if (!worth_trying(remote)) continue;
    const Socket socket(a->ai_family, type);
    const int error = connect_within(socket, *a);
    if (error == 0) return {socket.local_address(), remote, "", true};
    if (route.reason.empty()) route.reason = std::strerror(error);
  }
  return route;
}

bool is_link_local(const std::string& address) {
  in6_addr bytes{};
  return inet_pton(AF_INET6, address.substr(0, address.find('%')).c_str(), &bytes) == 1 &&
         IN6_IS_ADDR_LINKLOCAL(&bytes);
}

std::string list_interfaces(const std::vector<InterfaceAddress>& all) {
  std::vector<std::string> names;
  for (const auto& entry : all) {
    if (std::find(names.begin(), names.end(), entry.interface) == names.end())
      names.push_back(entry.interface);
  }
  for (std::string& name : names) {
    std::vector<std::string> addresses;
    for (const auto& entry : all)
      if (entry.interface == name) addresses.push_back(entry.address);
    name = fmt::format("{} ({})", name, fmt::join(addresses, ", "));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

HostPort parse_host_port(const std::string& variable, const std::string& text) {
  const auto refuse_unless = [&](bool condition, const std::string& rule) {
    require(condition, "{} {}, got '{}'", variable, rule, text);
  };
  std::string rest = text;
  if (const size_t scheme = rest.find("://"); scheme != std::string::npos) {
    refuse_unless(rest.substr(0, scheme) == "tcp", "takes no scheme but tcp://");
    rest = rest.substr(scheme + 3);
  }

  HostPort result;
  std::optional<std::string> port;
  bool ipv6 = false;
  if (rest.starts_with('[')) {
    const size_t end = rest.find(']');
    refuse_unless(end != std::string::npos, "lacks the closing bracket");
    result.host = rest.substr(1, end - 1);
    ipv6 = true;
    const std::string behind = rest.substr(end + 1);
    refuse_unless(behind.empty() || behind[0] == ':', "may have only :PORT behind the bracket");
    if (!behind.empty()) port = behind.substr(1);
  } else if (std::count(rest.begin(), rest.end(), ':') > 1) {
    result.host = rest;
    ipv6 = true;
  } else {
    const size_t colon = rest.find(':');
    result.host = rest.substr(0, colon);
    if (colon != std::string::npos) port = rest.substr(colon + 1);
  }

  if (ipv6) {
    const size_t scope = result.host.find('%');
    in6_addr bytes{};
    refuse_unless(inet_pton(AF_INET6, result.host.substr(0, scope).c_str(), &bytes) == 1 &&
                      (scope == std::string::npos || scope + 1 < result.host.size()),
                  "must be HOST, HOST:PORT, an IPv6 address or [IPv6]:PORT");
  } else {
    refuse_unless(
        !result.host.empty() && result.host.find_first_not_of(kLetters) == std::string::npos,
        "must be the name or the address of one host");
  }
  if (port) {
    const auto number = parse_number<int64_t>(*port);
    refuse_unless(number && 1 <= *number && *number <= 65535, "must have a port in [1, 65535]");
    result.port = static_cast<int>(*number);
  }
  return result;
}

std::string host_and_port(const std::string& host, int port) {
  const bool brackets = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", brackets ? "[" : "", host, brackets ? "]" : "", port);
}

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.") || address.starts_with("::ffff:127.");
}

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

bool is_own_address(const std::string& address) {
  std::string reason;
  const Addresses found = resolve(address, 0, AI_NUMERICHOST, reason);
  if (!found) return false;
  const Socket socket(found->ai_family, SOCK_DGRAM);
  return socket.fd() >= 0 && bind(socket.fd(), found->ai_addr, found->ai_addrlen) == 0;
}

std::vector<InterfaceAddress> interface_addresses() {
  std::vector<InterfaceAddress> result;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return result;
  for (const ifaddrs* entry = all; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const std::string address =
        numeric(entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (!address.empty()) result.push_back({entry->ifa_name, address});
  }
  freeifaddrs(all);
  return result;
}

std::string interface_of(const std::string& address) {
  for (const auto& entry : interface_addresses())
    if (entry.address == address) return entry.interface;
  return is_loopback(address) ? "lo" : "";  // 127.0.1.1 is nobody's and everybody's
}

std::string address_of_interface(const std::string& name, const std::string& said_by,
                                 const std::string& like) {
  const std::vector<InterfaceAddress> all = interface_addresses();
  const auto badness = [&](const InterfaceAddress& entry) {
    return 2 * is_link_local(entry.address) +
           (!like.empty() && is_ipv6(like) != is_ipv6(entry.address));
  };
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find(',', begin), name.size());
    const std::string one = name.substr(begin, end - begin);
    std::vector<InterfaceAddress> its;
    for (const auto& entry : all)
      if (entry.interface == one) its.push_back(entry);
    if (!its.empty()) {
      return std::min_element(its.begin(), its.end(),
                              [&](const auto& a, const auto& b) { return badness(a) < badness(b); })
          ->address;
    }
    begin = end + 1;
  }
  throw UsageError(
      fmt::format("{}: no such network interface is up and has an address; here are {}", said_by,
                  list_interfaces(all)));
}

Route try_to_connect(const std::string& host, int port) {
  return try_each(host, port, SOCK_STREAM, [](const std::string&) { return true; });
}

Route find_route(const std::string& host) {
  // To connect a datagram socket sends nothing; it only binds the local end. Port 9: any but 0.
  const Route own = try_each(host, 9, SOCK_DGRAM, is_own_address);
  if (own.reached() || !own.resolved) return own;
  return try_each(host, 9, SOCK_DGRAM, [](const std::string&) { return true; });
}

}  // namespace valley
