#pragma once

#include <memory>
#include <string>

#include "valley/comm/communicator.h"
#include "valley/comm/store.h"

namespace valley {

struct GlooOptions {
  int rank = 0;
  int size = 1;
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  bool host_store = true;      ///< rank 0 hosts the store; false: an agent or launcher does
  bool watched = false;        ///< a launcher tells through the store how a worker died
  std::string prefix = {};     ///< of the keys in the store
  std::string hostname = {};   ///< address to listen at; empty: loopback if the master's address is
                               ///< loopback, else what this machine's name resolves to
  std::string interface = {};  ///< network interface to listen at, e.g. "eth0"; wins over hostname
  double timeout_seconds = 300;  ///< of every wait, the joining included
};

/// One worker of a group of processes, over TCP. size 1: solo, without any connection.
///
/// An operation starts with 64 bytes from everyone to everyone, (operation, size, dtype,
/// sequence number, stop), so that a mismatch is named and not left to Gloo, which would abort
/// the process. all_reduce is a ring, pipelined over blocks: every worker sends and receives
/// 2 (M-1)/M of its vector; all_gather and exchange are direct; broadcast is a binomial tree.
///
/// Ignores SIGPIPE in this process if it has its default action: Gloo writes to sockets that a
/// dead peer may have closed.
///
/// @throws UsageError for options out of range; CommError if a worker does not join in time.
std::unique_ptr<Communicator> make_gloo(const GlooOptions& options);

/// The same over any store, e.g. for workers that are threads of one process. Options about the
/// master are not read.
std::unique_ptr<Communicator> make_gloo(const GlooOptions& options, std::shared_ptr<Store> store);

}  // namespace valley
