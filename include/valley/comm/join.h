#pragma once

#include <functional>
#include <string>

#include "valley/comm/agreement.h"

namespace valley {

/// How a process joins its group, whatever the backend; see join_options().
struct JoinOptions {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among the workers of this machine: its GPU, with the backend nccl
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  bool host_store = true;   ///< rank 0 hosts the store; false: an agent or launcher does
  bool by_mpi = false;      ///< mpirun, or another that MPI knows, started the process
  bool watched = false;     ///< a launcher tells through the store how a worker died
  std::string prefix = {};  ///< of the keys in the store
  /// Address to listen at, a number and not a name. Empty: that of the route to the master; where
  /// this is loopback and others of the group are elsewhere, that of the route to them.
  std::string address = {};
  std::string interface = {};  ///< network interface to listen at, e.g. "eth0"; wins over address
  std::string interface_from = {};  ///< who said so, for the error: "--interface eth0"
  std::string job = {};  ///< what tells this job from others at the same port; "": nobody knows
  Card card = {};        ///< what the workers must agree on
  /// What all workers of the job know and nobody else, and what is never shown; "": nothing. Who
  /// does not know it is let in by none of them. Backend gloo.
  std::string token = {};
  double timeout_seconds = 300;  ///< of every wait, the joining included
  /// A line for the person: what the joining waits for; on rank 0, where all listen.
  std::function<void(const std::string&)> on_message = {};
  double stall_seconds = 10;  ///< of a wait, until `on_stall` is told of it
  /// A line for the person, on the first worker that waits: for whom, in which operation.
  std::function<void(const std::string&)> on_stall = {};
};

}  // namespace valley
