#pragma once

#include <memory>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/comm/join.h"
#include "valley/comm/store.h"

namespace valley {

/// A worker that knows its group, before it is connected.
struct GlooWorker {
  JoinOptions options;  ///< its rank and the size of the group; where it listens
  std::vector<int> global_ranks;
  std::shared_ptr<Store> store;  ///< of this group alone
  std::shared_ptr<Store> exits;  ///< where a launcher says how a worker died, by its global rank
  bool hosts = false;            ///< the store lives in this process
  double start = 0;              ///< now_seconds() when the joining began
  std::string backend = "gloo";  ///< what it calls itself
};

/// Connects it to all others of its group, within the timeout. @throws CommError
std::unique_ptr<Communicator> connect_gloo(GlooWorker worker);

/// The same for workers that have to meet() first: of which none knows where the others listen.
std::unique_ptr<Communicator> meet_and_connect_gloo(GlooWorker worker);

}  // namespace valley
