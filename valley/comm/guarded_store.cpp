#include "valley/comm/guarded_store.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "valley/comm/handshake.h"
#include "valley/comm/strangers.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr const char* kStorePurpose = "store";
constexpr double kGreetingSeconds = 10;  // a host greets at once, but may be a busy machine
constexpr double kAnswerSeconds = 5;     // as c10d's, see open_tcp_store()
constexpr uint32_t kMostBytes = 64 << 20;
constexpr size_t kMostRefusals = 8;

// What is asked, and answered. Behind it come the bytes of key and value.
struct Words {
  enum Kind : uint32_t { kSet, kGet, kSetIfAbsent, kFound, kNothing };
  uint32_t kind = kGet;
  uint32_t key_bytes = 0, value_bytes = 0;

  size_t bytes() const { return size_t{key_bytes} + value_bytes; }
  bool fits() const { return key_bytes <= kMostBytes && value_bytes <= kMostBytes; }
};

std::string message(Words::Kind kind, const std::string& key, const std::string& value) {
  const Words words{kind, static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())};
  std::string all(reinterpret_cast<const char*>(&words), sizeof(words));
  return all.append(key).append(value);
}

class Table {
 public:
  void set(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_[key] = value;
  }
  std::optional<std::string> get(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    if (found == values_.end()) return std::nullopt;
    return found->second;
  }
  std::string set_if_absent(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    return values_.try_emplace(key, value).first->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> values_;
};

// One that knows the token: its questions are answered one by one, in their order.
class Client {
 public:
  explicit Client(TcpSocket socket) : socket_(std::move(socket)) { send_at_once(socket_); }

  int fd() const { return socket_.fd(); }
  short wishes() const { return out_.empty() ? POLLIN : POLLOUT; }

  // False: it has left, or says what nobody understands.
  bool serve(Table& table) {
    while (true) {
      if (!out_.empty()) {
        const ssize_t n = ::send(fd(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        out_.erase(0, static_cast<size_t>(n));
        continue;
      }
      char piece[1 << 16];
      // Not beyond the question: what is behind it waits until this one is answered.
      const ssize_t n = recv(fd(), piece, std::min(sizeof(piece), wanted() - in_.size()), 0);
      if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
      if (n == 0) return false;
      in_.append(piece, static_cast<size_t>(n));
      if (in_.size() < wanted()) continue;
      if (!words().fits()) return false;
      if (in_.size() == wanted() && !answer(table)) return false;
    }
  }

 private:
  Words words() const {
    Words words;
    if (in_.size() >= sizeof(words)) std::memcpy(&words, in_.data(), sizeof(words));
    return words;
  }
  size_t wanted() const { return sizeof(Words) + (words().fits() ? words().bytes() : 0); }

  bool answer(Table& table) {
    const Words asked = words();
    const std::string key = in_.substr(sizeof(asked), asked.key_bytes);
    const std::string value = in_.substr(sizeof(asked) + asked.key_bytes);
    in_.clear();
    std::optional<std::string> found = "";
    if (asked.kind == Words::kSet) {
      table.set(key, value);
    } else if (asked.kind == Words::kGet) {
      found = table.get(key);
    } else if (asked.kind == Words::kSetIfAbsent) {
      found = table.set_if_absent(key, value);
    } else {
      return false;
    }
    out_ = message(found ? Words::kFound : Words::kNothing, "", found.value_or(""));
    return true;
  }

  TcpSocket socket_;
  std::string in_, out_;
};

class Server {
 public:
  Server(TcpSocket door, const GuardedStoreOptions& options)
      : door_(std::move(door)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        on_refused_(options.on_refused),
        strangers_(options.token, kStorePurpose, [this](const auto& from) { refused(from); }),
        thread_([this] { run(); }) {}

  ~Server() {
    const uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_.fd(), &one, sizeof(one));
    thread_.join();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Table& table() { return table_; }

 private:
  void run() {
    while (true) {
      std::vector<pollfd> waiting = {{wake_.fd(), POLLIN, 0}};
      for (const Client& client : clients_) waiting.push_back({client.fd(), client.wishes(), 0});
      const bool strangers = strangers_.size() > 0;
      strangers_.add_to(waiting, door_);
      poll(waiting.data(), waiting.size(), strangers ? 500 : -1);
      if (waiting[0].revents != 0) return;
      auto seen = waiting.begin() + 1;
      for (auto client = clients_.begin(); client != clients_.end(); ++seen) {
        const bool stays = seen->revents == 0 || client->serve(table_);
        client = stays ? std::next(client) : clients_.erase(client);
      }
      for (Strangers::Guest& guest : strangers_.hear(door_))
        clients_.emplace_back(std::move(guest.socket));
    }
  }

  void refused(const std::string& from) {
    if (refusals_.size() < kMostRefusals && refusals_.insert(from).second && on_refused_)
      on_refused_(from);
  }

  const TcpSocket door_, wake_;
  const std::function<void(const std::string&)> on_refused_;
  std::set<std::string> refusals_;
  Table table_;
  Strangers strangers_;
  std::list<Client> clients_;
  std::thread thread_;  // the last: all it uses is there
};

// By asking again and again, as c10d's is waited for.
bool wait_until_set(Store& store, const std::string& key, double seconds) {
  const double deadline = now_seconds() + seconds;
  auto pause = std::chrono::milliseconds(1);
  while (!store.get(key)) {
    if (now_seconds() >= deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(20));
  }
  return true;
}

class HostedStore : public Store {
 public:
  HostedStore(TcpSocket door, const GuardedStoreOptions& options)
      : server_(std::move(door), options) {}

  void set(const std::string& key, const std::string& value) override {
    server_.table().set(key, value);
  }
  std::optional<std::string> get(const std::string& key) override {
    return server_.table().get(key);
  }
  std::string set_if_absent(const std::string& key, const std::string& value) override {
    return server_.table().set_if_absent(key, value);
  }
  bool wait(const std::string& key, double seconds) override {
    return wait_until_set(*this, key, seconds);
  }

 private:
  Server server_;
};

// Once the connection failed nothing is asked again, see C10dStore.
class ReachedStore : public Store {
 public:
  ReachedStore(TcpSocket socket, std::string where)
      : socket_(std::move(socket)), where_(std::move(where)) {
    send_at_once(socket_);
  }

  void set(const std::string& key, const std::string& value) override {
    ask(Words::kSet, key, value);
  }
  std::optional<std::string> get(const std::string& key) override {
    return ask(Words::kGet, key, "");
  }
  std::string set_if_absent(const std::string& key, const std::string& value) override {
    return ask(Words::kSetIfAbsent, key, value).value_or("");
  }
  bool wait(const std::string& key, double seconds) override {
    return wait_until_set(*this, key, seconds);
  }

 private:
  std::optional<std::string> ask(Words::Kind kind, const std::string& key,
                                 const std::string& value) {
    const std::lock_guard lock(mutex_);
    const double deadline = now_seconds() + kAnswerSeconds;
    std::string question = message(kind, key, value);
    Words words;
    if (gone_ || !pass(::send, question.data(), question.size(), POLLOUT, deadline) ||
        !pass(recv, reinterpret_cast<char*>(&words), sizeof(words), POLLIN, deadline) ||
        !words.fits())
      give_up();
    std::string answer(words.bytes(), '\0');
    if (!pass(recv, answer.data(), answer.size(), POLLIN, deadline)) give_up();
    if (words.kind == Words::kNothing) return std::nullopt;
    return answer;
  }

  [[noreturn]] void give_up() {
    gone_ = true;
    throw CommError(fmt::format("the store at {} is gone", where_));
  }

  // Sends or receives all of it within the time.
  template <typename Call>
  bool pass(const Call& call, char* bytes, size_t size, short event, double deadline) const {
    for (size_t done = 0; done < size;) {
      const ssize_t n = call(socket_.fd(), bytes + done, size - done, MSG_NOSIGNAL);
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        return false;
      } else if (!ready(socket_, event, std::max(0.0, deadline - now_seconds()))) {
        return false;
      }
    }
    return true;
  }

  std::mutex mutex_;
  const TcpSocket socket_;
  const std::string where_;
  bool gone_ = false;
};

}  // namespace

std::shared_ptr<Store> host_guarded_store(const GuardedStoreOptions& options, int& port) {
  TcpSocket door = listen_at(options.address, options.port);
  port = port_of(door);
  return std::make_shared<HostedStore>(std::move(door), options);
}

std::shared_ptr<Store> reach_guarded_store(const GuardedStoreOptions& options) {
  const double deadline =
      now_seconds() + std::min(kGreetingSeconds, std::max(1.0, options.timeout_seconds));
  while (true) {
    Handshake hello = Handshake::guest(begin_to_connect(options.address, options.port),
                                       options.token, kStorePurpose, 0);
    while (hello.go_on() == Handshake::State::kTalking &&
           ready(hello.socket(), hello.wishes(), std::max(0.0, deadline - now_seconds()))) {
    }
    switch (hello.go_on()) {
      case Handshake::State::kAgreed:
        return std::make_shared<ReachedStore>(hello.take(), options.where);
      case Handshake::State::kRefused:
        throw UsageError(fmt::format("this worker's token is not that of the store at {}: {}",
                                     options.where, hello.reason()));
      case Handshake::State::kEnded:
      case Handshake::State::kTalking:
        break;
    }
    if (now_seconds() < deadline && hello.greeted()) continue;  // it has a crowd at its door
    if (!hello.called())
      throw CommError(
          fmt::format("cannot reach the store at {}: {}", options.where, hello.reason()));
    require(hello.greeted(),
            "the store at {} asks for no token, and this worker has one: whoever hosts it was "
            "started without",
            options.where);
    throw CommError(
        fmt::format("cannot reach the store at {}: it has not answered in time", options.where));
  }
}

bool asks_for_token(const std::string& address, int port) {
  try {
    Handshake hello = Handshake::guest(begin_to_connect(address, port), "", kStorePurpose, 0);
    const double deadline = now_seconds() + 2;
    while (!hello.greeted() && hello.go_on() == Handshake::State::kTalking &&
           ready(hello.socket(), hello.wishes(), std::max(0.0, deadline - now_seconds()))) {
    }
    return hello.greeted();
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace valley
