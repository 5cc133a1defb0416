#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "valley/comm/backends.h"
#include "valley/comm/c10d_group.h"
#include "valley/comm/process_group.h"

namespace valley {

/// What tests call the backend of a process group.
inline constexpr const char* kProcessGroup = "c10d";

/// A worker of a Gloo group over loopback, as a user has one: with a timeout of half an hour.
inline c10::intrusive_ptr<c10d::ProcessGroup> gloo_group(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size) {
  std::signal(SIGPIPE, SIG_IGN);  // as Python has it
  using Gloo = c10d::ProcessGroupGloo;
  const auto own = c10::make_intrusive<c10d::PrefixStore>("group", store);
  const auto options = Gloo::Options::create(std::chrono::minutes(30));
  options->devices.push_back(Gloo::createDeviceForInterface("lo"));
  auto gloo = c10::make_intrusive<Gloo>(own, rank, size, options);
  // A worker with little to do would be gone while others still connect to it.
  std::vector<std::string> all;
  for (int other = 0; other < size; ++other) all.push_back("connected/" + std::to_string(other));
  c10d::Store& keys = *own;
  keys.set(all[static_cast<size_t>(rank)], std::vector<uint8_t>{1});
  keys.wait(all);
  return group_of<c10d::ProcessGroup>(std::move(gloo), own, GroupKind::kGloo);
}

/// The store that rank 0 hosts, as torchrun's workers have it.
inline c10::intrusive_ptr<c10d::Store> tcp_store(const std::string& address, int port,
                                                 bool server) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(port);
  options.isServer = server;
  options.waitWorkers = false;
  return c10::make_intrusive<c10d::TCPStore>(address, options);
}

/// Workers that are threads, each with its own end of a Gloo group of c10d over one store.
inline MakeWorker process_group_threads(int workers, double timeout_seconds) {
  return [=, store = c10::intrusive_ptr<c10d::Store>(c10::make_intrusive<c10d::HashStore>())](
             int rank) {
    ProcessGroupOptions options{.store = store, .interface = "lo", .name = kProcessGroup};
    options.timeout_seconds = timeout_seconds;
    return make_process_group(gloo_group(store, rank, workers), std::move(options));
  };
}

}  // namespace valley
