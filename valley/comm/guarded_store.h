#pragma once

#include <functional>
#include <memory>
#include <string>

#include "valley/comm/store.h"

namespace valley {

/// A store of Valley's own, for workers that share a token: whoever does not show that it knows it
/// (Handshake) neither reads nor writes anything, and costs no more than a few connections
/// (Strangers). LibTorch's store, which stands in its place where there is no token, asks nobody.
struct GuardedStoreOptions {
  std::string address;  ///< numeric; of a host: where to listen
  int port = 0;         ///< of a host: 0 is any free one
  std::string token;
  std::string where;  ///< for errors: "node1:29500"
  double timeout_seconds = 300;
  /// Of a host, from a thread of its own: somebody from that address was refused. Once for each
  /// address, of eight at most.
  std::function<void(const std::string& from)> on_refused = {};
};

/// Hosts it, until the last copy is gone. `port` becomes the port.
/// @throws std::runtime_error with the kernel's reason
std::shared_ptr<Store> host_guarded_store(const GuardedStoreOptions& options, int& port);

/// @throws UsageError if the host has another token, or asks for none; CommError if it is gone
std::shared_ptr<Store> reach_guarded_store(const GuardedStoreOptions& options);

/// Whether what listens there is such a store: it speaks first.
bool asks_for_token(const std::string& address, int port);

}  // namespace valley
