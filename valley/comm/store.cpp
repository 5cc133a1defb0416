#include "valley/comm/store.h"

#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>

#include "valley/comm/address.h"
#include "valley/comm/c10d_store.h"
#include "valley/comm/guarded_store.h"
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
  C10dStore(c10::intrusive_ptr<c10d::Store> store, std::string where,
            std::function<void()> why_no_answer = {})
      : store_(std::move(store)),
        where_(std::move(where)),
        why_no_answer_(std::move(why_no_answer)) {}

  const c10::intrusive_ptr<c10d::Store>& under() const { return store_; }

  void set(const std::string& key, const std::string& value) override {
    ask([&] {
      store_->set(key, to_bytes(value));
      return store_->check({key});  // set() does not wait for the server; the answer to this does
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
      auto answer = question();
      why_no_answer_ = {};
      return answer;
    } catch (const std::exception&) {
      gone_ = true;
      if (why_no_answer_) why_no_answer_();
      throw CommError(fmt::format("the store at {} is gone", where_));
    }
  }

  std::mutex mutex_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::string where_;
  std::function<void()> why_no_answer_;  // throws what it was, where nothing was ever answered
  bool gone_ = false;
};

class PrefixedStore : public Store {
 public:
  PrefixedStore(std::shared_ptr<Store> store, std::string prefix)
      : store_(std::move(store)), prefix_(std::move(prefix)) {}

  // c10d's part puts the same slash between.
  c10::intrusive_ptr<c10d::Store> under() const {
    return c10::make_intrusive<c10d::PrefixStore>(prefix_, c10d_store(*store_));
  }

  void set(const std::string& key, const std::string& value) override {
    store_->set(of(key), value);
  }
  std::optional<std::string> get(const std::string& key) override { return store_->get(of(key)); }
  std::string set_if_absent(const std::string& key, const std::string& value) override {
    return store_->set_if_absent(of(key), value);
  }
  bool wait(const std::string& key, double seconds) override {
    return store_->wait(of(key), seconds);
  }

 private:
  std::string of(const std::string& key) const { return prefix_ + "/" + key; }

  std::shared_ptr<Store> store_;
  std::string prefix_;
};

// c10d warns by itself of what we say in one line, e.g. of every attempt to connect.
class SilentC10d {
#ifdef C10_USE_GLOG
  static auto& level() { return FLAGS_minloglevel; }
#else
  static auto& level() { return FLAGS_caffe2_log_level; }
#endif

 public:
  SilentC10d() {
    const std::lock_guard lock(mutex);
    if (living++ > 0) return;
    before = level();
    level() = 3;  // fatal
  }
  ~SilentC10d() {
    const std::lock_guard lock(mutex);
    if (--living == 0) level() = before;
  }
  SilentC10d(const SilentC10d&) = delete;
  SilentC10d& operator=(const SilentC10d&) = delete;

 private:
  static inline std::mutex mutex;
  static inline int living = 0, before = 0;
};

// Says why it waits: not at once, since workers start in any order, and again when it is for
// another reason.
class Waiting {
 public:
  explicit Waiting(const TcpStoreOptions& options) : options_(options) {}

  double seconds() const { return now_seconds() - start_; }

  // One more attempt has failed. @throws CommError once the time is over.
  void failed(const Route& route) {
    const std::string where = host_and_port(options_.address, options_.port);
    if (seconds() >= options_.timeout_seconds) {
      throw CommError(route.resolved
                          ? fmt::format("nobody listens at {} (MASTER_ADDR:MASTER_PORT) after "
                                        "{:.1f} s: {}",
                                        where, seconds(), route.reason)
                          : fmt::format("cannot resolve '{}' (MASTER_ADDR) after {:.1f} s: {}",
                                        options_.address, seconds(), route.reason));
    }
    if (options_.on_message && seconds() >= kPatienceSeconds && route.reason != told_) {
      told_ = route.reason;
      options_.on_message(route.resolved ? fmt::format("waiting for {}: {}", where, told_)
                                         : fmt::format("waiting for '{}' (MASTER_ADDR) to be "
                                                       "resolved: {}",
                                                       options_.address, told_));
    }
    std::this_thread::sleep_for(milliseconds(route.resolved ? 20 : 200));
  }

 private:
  static constexpr double kPatienceSeconds = 2;
  const TcpStoreOptions& options_;
  const double start_ = now_seconds();
  std::string told_;
};

// Where the master is, seen from here: for the host of the store, who need not connect, the way the
// kernel would take.
Route find_master(const TcpStoreOptions& options) {
  Waiting waiting(options);
  while (true) {
    const Route route = options.server ? find_route(options.address)
                                       : try_to_connect(options.address, options.port);
    if (route.reached()) return route;
    waiting.failed(route);
  }
}

// c10d's own words, as much of them as a person can use.
std::string reason_in(const std::string& text) {
  if (text.find("ddress already in use") != std::string::npos) return "the port is taken";
  if (text.find("ermission denied") != std::string::npos) return "permission denied";
  return text.substr(0, text.find('\n'));
}

// Valley's own, at all addresses of this machine: by whatever name others know it.
template <typename Fail>
TcpStore open_guarded_store(const TcpStoreOptions& options, const Route& route,
                            const std::string& address, const Fail& fail) {
  TcpStore result{{}, options.port, route.local};
  GuardedStoreOptions guarded{.address = address,
                              .port = options.port,
                              .token = options.token,
                              .where = host_and_port(options.address, options.port),
                              .timeout_seconds = options.timeout_seconds,
                              .on_refused = options.on_refused};
  if (options.server) {
    const auto host = [&](const std::string& at) {
      guarded.address = at;
      result.store = host_guarded_store(guarded, result.port);
    };
    try {
      if (options.only_here) {
        host(address);
      } else {
        try {
          host("::");  // IPv4, too
        } catch (const std::runtime_error&) {
          host("0.0.0.0");
        }
      }
    } catch (const std::runtime_error& error) {
      fail(reason_in(error.what()));
    }
  } else {
    result.store = reach_guarded_store(guarded);
  }
  if (!options.prefix.empty()) result.store = with_prefix(std::move(result.store), options.prefix);
  return result;
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

std::shared_ptr<Store> with_prefix(std::shared_ptr<Store> store, std::string prefix) {
  return std::make_shared<PrefixedStore>(std::move(store), std::move(prefix));
}

std::shared_ptr<Store> make_hash_store() {
  return share_store(c10::make_intrusive<c10d::HashStore>(), "this process");
}

std::shared_ptr<Store> share_store(c10::intrusive_ptr<c10d::Store> store,
                                   const std::string& where) {
  return std::make_shared<C10dStore>(std::move(store), where);
}

milliseconds c10d_timeout(double seconds) {
  return milliseconds(std::max<int64_t>(1, static_cast<int64_t>(seconds * 1000)));
}

c10::intrusive_ptr<c10d::Store> c10d_store(const Store& store) {
  if (const auto* whole = dynamic_cast<const C10dStore*>(&store)) return whole->under();
  if (const auto* part = dynamic_cast<const PrefixedStore*>(&store)) return part->under();
  throw std::logic_error("c10d_store of another kind of store");
}

TcpStore open_tcp_store(const TcpStoreOptions& options) {
  const auto fail = [&](const std::string& reason) {
    throw CommError(fmt::format("cannot {} the store at {}: {}", options.server ? "host" : "reach",
                                host_and_port(options.address, options.port), reason));
  };
  const Route route = find_master(options);
  std::string address = route.remote;
  if (options.server) {
    const bool here = is_own_address(address);
    if (!here && options.on_message) {
      options.on_message(
          fmt::format("{} (MASTER_ADDR) is no address of this machine, which hosts the store as "
                      "rank 0",
                      options.address));
    }
    if (!here) address = "127.0.0.1";  // another machine's, or that of a router before this one
    if (options.port != 0 && try_to_connect(address, options.port).reached())
      fail("the port is taken");
  }
  if (!options.token.empty()) return open_guarded_store(options, route, address, fail);
  const auto require_no_token = [where = host_and_port(options.address, options.port), address,
                                 port = options.port] {
    require(!asks_for_token(address, port),
            "the store at {} asks for a token, and this worker has none: {} FILE, or VALLEY_TOKEN",
            where, Key{"token-file"});
  };
  c10d::TCPStoreOptions c10d_options;
  c10d_options.port = static_cast<uint16_t>(options.port);
  c10d_options.isServer = options.server;
  c10d_options.waitWorkers = false;
  do_without_libuv(c10d_options);
  c10d_options.timeout = c10d_timeout(options.timeout_seconds);
  try {
    const SilentC10d silent;
    auto tcp = c10::make_intrusive<c10d::TCPStore>(address, c10d_options);
    const int port = tcp->getPort();
    tcp->setTimeout(milliseconds(5000));  // from here on answers come at once or never
    std::shared_ptr<Store> store =
        options.server ? std::make_shared<C10dStore>(tcp, host_and_port(options.address, port))
                       : std::make_shared<C10dStore>(tcp, host_and_port(options.address, port),
                                                     require_no_token);
    if (!options.prefix.empty()) store = with_prefix(std::move(store), options.prefix);
    return {std::move(store), port, route.local};
  } catch (const c10::Error& error) {
    if (!options.server) require_no_token();
    fail(reason_in(error.what_without_backtrace()));
  } catch (const std::exception& error) {
    if (!options.server) require_no_token();
    fail(reason_in(error.what()));
  }
  return {};  // fail() does not return
}

}  // namespace valley
