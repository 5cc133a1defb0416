#include <fmt/ranges.h>

#include <utility>

#include "valley/comm/clock_offset.h"
#include "valley/comm/gloo.h"
#include "valley/comm/gloo_communicator.h"
#include "valley/comm/group.h"
#include "valley/comm/meeting.h"
#include "valley/comm/meeting_place.h"
#include "valley/comm/ranks.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// Where all listen: "10.0.0.1 (eth0; ranks 0, 1), 10.0.0.2 (eth1; ranks 2, 3)".
std::string describe_places(const std::vector<Place>& places) {
  std::vector<std::string> texts;
  std::vector<bool> told(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (told[i]) continue;
    std::vector<int> ranks;
    for (size_t k = i; k < places.size(); ++k) {
      if (places[k] != places[i]) continue;
      told[k] = true;
      ranks.push_back(static_cast<int>(k));
    }
    const std::string& interface = places[i].interface;
    texts.push_back(fmt::format("{} ({}{}{})", places[i].address, interface,
                                interface.empty() ? "" : "; ", name_ranks(ranks)));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::unique_ptr<Communicator> join(const JoinOptions& options, const std::shared_ptr<Store>& store,
                                   bool hosts) {
  return meet_and_connect_gloo({.options = options,
                                .global_ranks = everyone(options.size),
                                .store = store,
                                .exits = store,
                                .hosts = hosts});
}

}  // namespace

std::unique_ptr<Communicator> meet_and_connect_gloo(GlooWorker worker) {
  worker.start = now_seconds();
  JoinOptions& options = worker.options;
  meet_others(*worker.store, options);
  auto comm = connect_gloo(worker);
  compare_clocks(*comm);
  if (options.rank == 0 && options.on_message) {
    std::vector<Place> places;
    for (int rank = 0; rank < options.size; ++rank)
      places.push_back(
          Place::decode(worker.store->get(fmt::format("ready/{}", rank)).value_or("")));
    options.on_message("listening at " + describe_places(places));
  }
  return comm;
}

std::unique_ptr<Communicator> make_gloo(const JoinOptions& options, std::shared_ptr<Store> store) {
  require_valid(options);
  if (options.size == 1) return make_solo();
  JoinOptions complete = options;
  complete.host_store = false;
  if (complete.address.empty()) complete.address = "127.0.0.1";
  listen_at_interface(complete);
  return join(complete, store, false);
}

std::unique_ptr<Communicator> make_gloo(const JoinOptions& options) {
  require_valid(options);
  if (options.size == 1) return make_solo();
  const MeetingPlace place = find_meeting_place(options);
  return join(place.options, place.store, place.hosts);
}

}  // namespace valley
