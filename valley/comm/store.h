#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace valley {

/// Texts under keys that all workers of a run see: how they find each other, and where the cause
/// of a failure is left for the others. Every call ends within a few seconds or throws CommError
/// ("the store at 127.0.0.1:29500 is gone").
class Store {
 public:
  virtual ~Store() = default;

  virtual void set(const std::string& key, const std::string& value) = 0;

  /// The value, or nothing if the key is not set (now; does not wait).
  virtual std::optional<std::string> get(const std::string& key) = 0;

  /// Sets the key unless it is set. Returns the value it has then.
  virtual std::string set_if_absent(const std::string& key, const std::string& value) = 0;

  /// Waits until the key is set. Returns false after `seconds`.
  virtual bool wait(const std::string& key, double seconds) = 0;
};

/// Waits until all keys "<prefix><rank>" for ranks below `size` are set; returns the ranks
/// without a key after `seconds`.
std::vector<int> wait_for_ranks(Store& store, const std::string& prefix, int size, double seconds);

/// The part of a store whose keys begin with "<prefix>/".
std::shared_ptr<Store> with_prefix(std::shared_ptr<Store> store, std::string prefix);

/// A store in this process, for workers that are threads.
std::shared_ptr<Store> make_hash_store();

struct TcpStoreOptions {
  std::string address = "127.0.0.1";  ///< a name or an address
  int port = 29500;                   ///< a server may give 0: any free port, see TcpStore::port
  bool server = false;                ///< hosts the store; it lives as long as the returned object
  std::string prefix = {};            ///< see with_prefix(): runs may share a store
  double timeout_seconds = 300;       ///< for the connection
  /// All workers know it: the store is one of Valley's own, which asks for it (guarded_store.h).
  std::string token = {};
  bool only_here = false;  ///< of a host with a token: it listens at `address` alone, not at all
  /// Of a host with a token: somebody from there was refused. See guarded_store.h
  std::function<void(const std::string& from)> on_refused = {};
  /// A line for the person: what it waits for, and why.
  std::function<void(const std::string&)> on_message = {};
};

struct TcpStore {
  std::shared_ptr<Store> store;
  int port = 0;
  std::string local_address;  ///< of this machine, on the way to the store
};

/// The store of LibTorch's c10d (also torchrun's), or with a token Valley's own.
/// @throws UsageError if the store asks for a token that is not this one, or for none; CommError if
/// the address cannot be resolved or nobody listens there within the timeout (with the resolver's
/// or the kernel's reason), or the port is taken.
TcpStore open_tcp_store(const TcpStoreOptions& options);

}  // namespace valley
