#include "valley/comm/meeting_place.h"

#include <string>
#include <utility>
#include <vector>

#include "valley/comm/address.h"
#include "valley/comm/meeting.h"

namespace valley {

void listen_at_interface(JoinOptions& options) {
  if (options.interface.empty()) return;
  options.address =
      address_of_interface(options.interface, options.interface_from, options.address);
}

std::string refused_text(const std::string& from) {
  return "somebody from " + from + " was refused: without the job's token";
}

MeetingPlace find_meeting_place(const JoinOptions& options) {
  MeetingPlace place{
      .options = options, .store = {}, .hosts = options.host_store && options.rank == 0};
  listen_at_interface(place.options);  // refused before anybody waits
  TcpStoreOptions store{.address = options.master_address,
                        .port = options.master_port,
                        .server = place.hosts,
                        .prefix = options.prefix,
                        .timeout_seconds = options.timeout_seconds,
                        .on_message = options.on_message};
  // torchrun's own store knows no token; the workers ask each other for it then.
  if (options.host_store || options.watched) store.token = options.token;
  if (options.on_message) {
    store.on_refused = [say = options.on_message](const std::string& from) {
      say(refused_text(from));
    };
  }
  TcpStore tcp = open_tcp_store(store);
  place.store = std::move(tcp.store);
  if (options.address.empty()) place.options.address = tcp.local_address;
  listen_at_interface(place.options);  // with the family of addresses that leads to the master
  return place;
}

void meet_others(Store& store, JoinOptions& options) {
  const std::vector<std::string> addresses =
      meet(store,
           {.rank = options.rank,
            .size = options.size,
            .address = options.address,
            .job = options.job,
            .token = options.token,
            .card = options.card,
            .where = host_and_port(options.master_address, options.master_port)},
           options.timeout_seconds);
  if (options.interface.empty()) options.address = reachable_by_all(options.address, addresses);
}

}  // namespace valley
