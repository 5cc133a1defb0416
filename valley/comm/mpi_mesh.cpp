#include "valley/comm/mpi_mesh.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "valley/comm/gloo_all_reduce.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr int64_t kLargestPart = 1 << 30;  // MPI counts bytes in an int
constexpr double kLookSeconds = 1e-3;      // between two looks around
constexpr double kProcessSeconds = 0.05;   // between two looks at processes
constexpr double kBusySeconds = 0.5e-3;    // of a wait, before it pauses
constexpr double kLongestRest = 0.2e-3;
constexpr double kFarewellSeconds = 1;
constexpr int kLastTests = 100;

}  // namespace

// The same size whatever is told.
struct MpiMesh::Told {
  int64_t after = 0;
  char failure[1016] = {};
};

// A message to each of the others, under way.
struct MpiMesh::Telling {
  Told told;
  std::vector<MpiLibrary::Request> requests;
};

// Slots of an operation: one for headers, one for data, 2 (M-1) for the ring.
MpiMesh::MpiMesh(MpiLibrary& mpi, Group group, std::shared_ptr<const ProcessWatch> watch,
                 double timeout_seconds)
    : mpi_(mpi),
      group_(std::move(group)),
      watch_(std::move(watch)),
      timeout_seconds_(timeout_seconds),
      tags_(2 * mpi.size() + 2) {
  if ((group_.number + 1) * tags_ > mpi_.largest_tag()) {
    throw CommError(fmt::format("MPI has {} tags, too few for group {} of {} each",
                                mpi_.largest_tag(), group_.number, tags_));
  }
}

// What has been told leaves as a rule at once; else it is given a moment, and then left to MPI.
MpiMesh::~MpiMesh() {
  const double deadline = now_seconds() + kFarewellSeconds;
  for (const auto& telling : telling_) {
    for (MpiLibrary::Request& request : telling->requests) {
      try {
        while (!mpi_.test(request) && now_seconds() < deadline) sched_yield();
      } catch (const std::exception&) {  // there is nobody to be told any more
      }
    }
  }
}

int MpiMesh::tag(uint64_t slot) const {
  return static_cast<int>(group_.number * tags_ + 1 + static_cast<int64_t>(slot % kSlotsPerCall));
}

void MpiMesh::tell(int64_t after, const Failure& failure) noexcept {
  try {
    const std::lock_guard lock(telling_mutex_);
    telling_.push_back(std::make_unique<Telling>());
    Telling& telling = *telling_.back();
    telling.told.after = after;
    const std::string code = failure.encode();
    std::memcpy(telling.told.failure, code.data(),
                std::min(code.size(), sizeof(telling.told.failure) - 1));
    for (int peer = 0; peer < size(); ++peer) {
      if (peer == rank()) continue;
      telling.requests.push_back(mpi_.send(&telling.told, sizeof(Told),
                                           group_.ranks[static_cast<size_t>(peer)],
                                           static_cast<int>(group_.number * tags_) + kToldTag));
    }
  } catch (const std::exception&) {  // the timeouts of the others will have to tell
  }
}

void MpiMesh::listen() {
  Told told;
  while (true) {
    const int from =
        mpi_.take(&told, sizeof(told), static_cast<int>(group_.number * tags_) + kToldTag);
    if (from < 0) return;
    const auto place = std::find(group_.ranks.begin(), group_.ranks.end(), from);
    told_.emplace_back(told.after, ToldOfFailure(static_cast<int>(place - group_.ranks.begin()),
                                                 Failure::decode(told.failure)));
  }
}

// Who has left after an operation has sent everything that belongs to it.
std::optional<ToldOfFailure> MpiMesh::told_before(int64_t operation) {
  listen();
  for (const auto& [after, error] : told_) {
    if (after < operation) return error;
  }
  return std::nullopt;
}

std::optional<ToldOfFailure> MpiMesh::told_lately(int64_t operation) {
  for (int i = 0; i < kLastTests; ++i) {
    if (auto told = told_before(operation)) return told;
  }
  return std::nullopt;
}

// A worker whose process has ended, without having told that it leaves.
std::optional<int> MpiMesh::ended() const {
  for (int peer = 0; peer < size(); ++peer) {
    if (peer == rank() || !watch_->has_ended(group_.ranks[static_cast<size_t>(peer)])) continue;
    const bool has_told = std::any_of(told_.begin(), told_.end(),
                                      [&](const auto& told) { return told.second.peer == peer; });
    if (!has_told) return peer;
  }
  return std::nullopt;
}

bool MpiMesh::test(MpiLibrary::Request& request, int peer) {
  if (closed_) throw PeerError(peer, false);
  try {
    return mpi_.test(request);
  } catch (const std::exception& error) {
    throw PeerError(peer, error.what());
  }
}

void MpiMesh::wait(MpiLibrary::Request& request, int peer, int64_t operation) {
  double start = 0, next_look = 0, next_processes = kProcessSeconds;
  bool told_of_stall = on_stall_ == nullptr;
  while (!test(request, peer)) {
    if (start == 0) start = now_seconds();
    const double waited = now_seconds() - start;
    if (waited >= next_look) {
      if (const auto told = told_before(operation)) throw *told;
      next_look = waited + kLookSeconds;
    }
    if (waited >= next_processes) {
      if (const auto lost = ended()) {
        // What it has sent before may still be on its way through this process.
        for (int i = 0; i < kLastTests; ++i) {
          if (test(request, peer)) return;
        }
        if (const auto told = told_lately(operation)) throw *told;
        throw PeerError(*lost, "its process has ended");
      }
      next_processes = waited + kProcessSeconds;
    }
    if (!told_of_stall && waited >= stall_seconds_) told_of_stall = true, on_stall_(peer, waited);
    if (waited >= timeout_seconds_) throw PeerError(peer, true);
    if (waited < kBusySeconds) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(
          std::chrono::duration<double>(std::min(kLongestRest, waited / 20)));
    }
  }
}

template <typename Start>
void MpiMesh::Buffer::start(std::deque<Flight>& flights, int peer, uint64_t slot, int64_t offset,
                            int64_t bytes, const Start& start) {
  const int rank = mesh_.group_.ranks[static_cast<size_t>(peer)], tag = mesh_.tag(slot);
  const auto operation = static_cast<int64_t>(slot / kSlotsPerCall);
  if (mesh_.closed_) throw PeerError(peer, false);
  try {
    for (int64_t done = 0; done < bytes; done += kLargestPart) {
      const int64_t part = std::min(bytes - done, kLargestPart);
      flights.push_back({peer, operation, done + part == bytes,
                         start(data_ + offset + done, static_cast<int>(part), rank, tag)});
    }
  } catch (const std::exception& error) {
    throw PeerError(peer, error.what());
  }
}

void MpiMesh::Buffer::send(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  start(sent_, peer, slot, offset, bytes, [&](const void* data, int count, int to, int tag) {
    return mesh_.mpi_.send(data, count, to, tag);
  });
}

void MpiMesh::Buffer::receive(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  start(received_, peer, slot, offset, bytes, [&](void* data, int count, int from, int tag) {
    return mesh_.mpi_.receive(data, count, from, tag);
  });
}

void MpiMesh::Buffer::wait(std::deque<Flight>& flights, int peer) {
  for (bool last = false; !last;) {
    const auto first = std::find_if(flights.begin(), flights.end(),
                                    [&](const Flight& flight) { return flight.peer == peer; });
    // None: it could not be started, since the peer had left.
    if (first == flights.end()) throw PeerError(peer, false);
    mesh_.wait(first->request, peer, first->operation);
    last = first->last;
    flights.erase(first);
  }
}

MpiMesh::Buffer::~Buffer() {
  for (const Flight& flight : sent_) mesh_.mpi_.forget_send(flight.request);
  for (const Flight& flight : received_) mesh_.mpi_.forget_receive(flight.request);
}

}  // namespace valley
