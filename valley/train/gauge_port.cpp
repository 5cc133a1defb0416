#include "valley/train/gauge_port.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>
#include <vector>

#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/train/metrics_place.h"

namespace valley {
namespace {

constexpr size_t kMostRequests = 16, kMostHead = 8192;
constexpr double kRequestSeconds = 5;

TcpSocket listen_for_requests(const std::string& text) {
  const HostPort place = metrics_place(text);
  const Route route = find_route(place.host);
  require(route.reached(), "{} {}: {}", Key{"metrics-port"}, text, route.reason);
  try {
    return listen_at(route.remote, place.port);
  } catch (const std::runtime_error& error) {
    throw UsageError(fmt::format("{} {}: {}", Key{"metrics-port"}, text, error.what()));
  }
}

std::string http(const char* status, const std::string& body) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, body.size(), body);
}

}  // namespace

GaugePort::GaugePort(const std::string& place)
    : door_(listen_for_requests(place)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      thread_([this] { run(); }) {}

GaugePort::~GaugePort() {
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_.fd(), &one, sizeof(one));
  thread_.join();
}

void GaugePort::show(std::string text) {
  const std::lock_guard lock(mutex_);
  text_ = std::move(text);
}

std::string GaugePort::answer_to(const std::string& head) const {
  const std::string line = head.substr(0, head.find_first_of("\r\n"));
  if (!line.starts_with("GET ")) return http("405 Method Not Allowed", "GET /metrics\n");
  const std::string target = line.substr(4, line.find(' ', 4) - 4);
  if (target.substr(0, target.find('?')) != "/metrics")
    return http("404 Not Found", "it is at /metrics\n");
  const std::lock_guard lock(mutex_);
  return http("200 OK", text_);
}

// Whether there is more to do.
bool GaugePort::serve(Request& request) const {
  const int fd = request.socket.fd();
  char piece[1024];
  while (!request.answered) {
    const ssize_t n = recv(fd, piece, sizeof(piece), 0);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (n == 0) return false;
    request.head.append(piece, static_cast<size_t>(n));
    if (request.head.size() > kMostHead) return false;
    if (request.head.find("\r\n\r\n") == std::string::npos) continue;
    request.answered = true;
    request.answer = answer_to(request.head);
  }
  while (!request.answer.empty()) {
    const ssize_t n = send(fd, request.answer.data(), request.answer.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    request.answer.erase(0, static_cast<size_t>(n));
  }
  return false;
}

void GaugePort::run() {
  while (true) {
    std::vector<pollfd> waiting = {{wake_.fd(), POLLIN, 0}, {door_.fd(), POLLIN, 0}};
    for (const Request& request : requests_)
      waiting.push_back(
          {request.socket.fd(), static_cast<short>(request.answered ? POLLOUT : POLLIN), 0});
    poll(waiting.data(), waiting.size(), requests_.empty() ? -1 : 500);
    if (waiting[0].revents != 0) return;
    std::string from;
    while (TcpSocket socket = accept_one(door_, from)) {
      if (requests_.size() == kMostRequests) requests_.pop_front();
      requests_.push_back({std::move(socket), now_seconds(), "", "", false});
    }
    std::erase_if(requests_, [&](Request& request) {
      return !serve(request) || now_seconds() - request.since >= kRequestSeconds;
    });
  }
}

void require_free_port(const std::string& place) {
  if (!place.empty()) listen_for_requests(place);
}

}  // namespace valley
