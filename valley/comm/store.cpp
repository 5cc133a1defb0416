#include "valley/comm/store.h"

#include <c10/util/Exception.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>

#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

using std::chrono::milliseconds;

std::vector<uint8_t> to_bytes(const std::string& text) { return {text.begin(), text.end()}; }
std::string to_text(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

// Once the connection failed (`gone`) nothing is asked again: a half-read answer would be taken
// for the next one.
class C10dStore : public Store {
 public:
  C10dStore(c10::intrusive_ptr<c10d::Store> store, std::string where)
      : store_(std::move(store)), where_(std::move(where)) {}

  void set(const std::string& key, const std::string& value) override {
    ask([&] {
      store_->set(key, to_bytes(value));
      store_->check({key});  // set() does not wait for the server; the answer to this does
    });
  }

  std::optional<std::string> get(const std::string& key) override {
    return ask([&]() -> std::optional<std::string> {
      if (!store_->check({key})) return std::nullopt;
      return to_text(store_->get(key));
    });
  }

  std::string set_if_absent(const std::string& key, const std::string& value) override {
    return ask([&] { return to_text(store_->compareSet(key, {}, to_bytes(value))); });
  }

  // By asking again and again: c10d's own wait holds the connection, so that another thread of
  // this worker could not report a failure meanwhile.
  bool wait(const std::string& key, double seconds) override {
    const double deadline = now_seconds() + seconds;
    auto pause = milliseconds(1);
    while (!ask([&] { return store_->check({key}); })) {
      if (now_seconds() >= deadline) return false;
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, milliseconds(20));
    }
    return true;
  }

 private:
  template <typename Question>
  auto ask(const Question& question) -> decltype(question()) {
    std::lock_guard lock(mutex_);
    if (gone_) throw CommError(fmt::format("the store at {} is gone", where_));
    try {
      return question();
    } catch (const std::exception&) {
      gone_ = true;
      throw CommError(fmt::format("the store at {} is gone", where_));
    }
  }

  std::mutex mutex_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::string where_;
  bool gone_ = false;
};

bool can_connect(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  bool connected = false;
  for (addrinfo* a = found; a && !connected; a = a->ai_next) {
    const int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
      connected = true;
    } else if (errno == EINPROGRESS) {
      pollfd poll_fd{fd, POLLOUT, 0};
      int error = 0;
      socklen_t length = sizeof(error);
      connected = poll(&poll_fd, 1, 1000) == 1 &&
                  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
    }
    close(fd);
  }
  freeaddrinfo(found);
  return connected;
}

// c10d retries too, but warns on stderr at every attempt.
void wait_for_server(const std::string& host, int port, double timeout_seconds) {
  const double start = now_seconds();
  while (!can_connect(host, port)) {
    if (now_seconds() - start >= timeout_seconds) {
      throw CommError(
          fmt::format("nobody listens at {}:{} (MASTER_ADDR:MASTER_PORT) after {:.1f} s", host,
                      port, now_seconds() - start));
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

// Newer c10d prefers a server on libuv, which Debian's LibTorch is built without. The protocol is
// the same, so this client also speaks to torchrun's server of either kind.
template <typename Options>
void do_without_libuv(Options& options) {
  if constexpr (requires { options.useLibUV; }) options.useLibUV = false;
}

}  // namespace

std::vector<int> wait_for_ranks(Store& store, const std::string& prefix, int size, double seconds) {
  const double deadline = now_seconds() + seconds;
  std::vector<int> missing;
  for (int rank = 0; rank < size; ++rank) {
    if (!store.wait(prefix + std::to_string(rank), std::max(0.0, deadline - now_seconds()))) {
      missing.push_back(rank);
    }
  }
  return missing;
}

std::shared_ptr<Store> make_hash_store() {
  return std::make_shared<C10dStore>(c10::make_intrusive<c10d::HashStore>(), "this process");
}

TcpStore open_tcp_store(const TcpStoreOptions& options) {
  if (options.server && options.port != 0 && can_connect("127.0.0.1", options.port)) {
    throw CommError(fmt::format("cannot host the store at {}:{}: the port is taken",
                                options.address, options.port));
  }
  if (!options.server) {
    wait_for_server(options.address, options.port, options.timeout_seconds);
  }
  c10d::TCPStoreOptions c10d_options;
  c10d_options.port = static_cast<uint16_t>(options.port);
  c10d_options.isServer = options.server;
  c10d_options.waitWorkers = false;
  do_without_libuv(c10d_options);
  c10d_options.timeout =
      milliseconds(std::max<int64_t>(1, static_cast<int64_t>(options.timeout_seconds * 1000)));
  try {
    auto tcp = c10::make_intrusive<c10d::TCPStore>(options.address, c10d_options);
    const int port = tcp->getPort();
    tcp->setTimeout(milliseconds(5000));  // from here on answers come at once or never
    c10::intrusive_ptr<c10d::Store> store = tcp;
    if (!options.prefix.empty()) {
      store = c10::make_intrusive<c10d::PrefixStore>(options.prefix, store);
    }
    return {std::make_shared<C10dStore>(store, fmt::format("{}:{}", options.address, port)), port};
  } catch (const c10::Error& error) {
    throw CommError(fmt::format("cannot {} the store at {}:{}: {}",
                                options.server ? "host" : "reach", options.address, options.port,
                                error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw CommError(fmt::format("cannot {} the store at {}:{}: {}",
                                options.server ? "host" : "reach", options.address, options.port,
                                error.what()));
  }
}

}  // namespace valley
