#pragma once

#include <memory>

#include "valley/comm/join.h"
#include "valley/comm/store.h"

namespace valley {

/// Where the processes of a group meet: their store, and how this one joins.
struct MeetingPlace {
  JoinOptions options;  ///< with the address that this worker listens at
  std::shared_ptr<Store> store;
  bool hosts = false;  ///< the store lives in this process
};

/// Hosts the store at the master's address, or finds it there.
/// @throws UsageError for an interface that is not there, before anybody waits; CommError if nobody
/// listens there in time
MeetingPlace find_meeting_place(const JoinOptions& options);

/// What is said of somebody who does not know the token.
std::string refused_text(const std::string& from);

/// Listens at the interface that the options name, if they name one. @throws UsageError
void listen_at_interface(JoinOptions& options);

/// Waits for all others and compares cards, see meet(); then listens where all of them reach it.
void meet_others(Store& store, JoinOptions& options);

}  // namespace valley
