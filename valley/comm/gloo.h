#pragma once

#include <functional>
#include <memory>
#include <string>

#include "valley/comm/agreement.h"
#include "valley/comm/communicator.h"
#include "valley/comm/store.h"

namespace valley {

struct GlooOptions {
  int rank = 0;
  int size = 1;
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  bool host_store = true;   ///< rank 0 hosts the store; false: an agent or launcher does
  bool watched = false;     ///< a launcher tells through the store how a worker died
  std::string prefix = {};  ///< of the keys in the store
  /// Address to listen at, a number and not a name. Empty: that of the route to the master; where
  /// this is loopback and others of the group are elsewhere, that of the route to them.
  std::string address = {};
  std::string interface = {};  ///< network interface to listen at, e.g. "eth0"; wins over address
  std::string interface_from = {};  ///< who said so, for the error: "--interface eth0"
  std::string job = {};  ///< what tells this job from others at the same port; "": nobody knows
  Card card = {};        ///< what the workers must agree on
  double timeout_seconds = 300;  ///< of every wait, the joining included
  /// A line for the person: what the joining waits for; on rank 0, where all listen.
  std::function<void(const std::string&)> on_message = {};
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
/// Names are never looked up but the master's: what a machine's own name resolves to (127.0.1.1 on
/// a stock Debian) says nothing of where others reach it.
///
/// Joining, the workers compare job, version, size and card; see meet().
///
/// @throws UsageError for options out of range, an interface that is not there, and workers that do
/// not belong together; CommError if a worker does not join in time.
std::unique_ptr<Communicator> make_gloo(const GlooOptions& options);

/// The same over any store, e.g. for workers that are threads of one process. Options about the
/// master are not read.
std::unique_ptr<Communicator> make_gloo(const GlooOptions& options, std::shared_ptr<Store> store);

}  // namespace valley
