#include "valley/comm/process_group_join.h"

#include <c10/util/Exception.h>

#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>
#include <vector>

#include "valley/comm/c10d_group.h"
#include "valley/comm/c10d_store.h"
#include "valley/comm/group.h"
#include "valley/comm/meeting.h"
#include "valley/comm/meeting_place.h"
#include "valley/core/error.h"

namespace valley {
namespace {

using StoreOfC10d = c10::intrusive_ptr<c10d::Store>;

StoreOfC10d part_of(const StoreOfC10d& store, const std::string& prefix) {
  return c10::make_intrusive<c10d::PrefixStore>(prefix, store);
}

c10::intrusive_ptr<c10d::ProcessGroup> make_side_group(const StoreOfC10d& store,
                                                       const JoinOptions& options) {
  using Gloo = c10d::ProcessGroupGloo;
  const auto gloo = Gloo::Options::create(c10d_timeout(options.timeout_seconds));
  gloo->devices.push_back(Gloo::createDeviceForHostname(options.address));
  return group_of<c10d::ProcessGroup>(
      c10::make_intrusive<Gloo>(store, options.rank, options.size, gloo), store, GroupKind::kGloo);
}

}  // namespace

std::unique_ptr<Communicator> join_process_group(const JoinOptions& options, const MakeGroup& make,
                                                 ProcessGroupOptions kind) {
  require_valid(options);
  if (options.size == 1) return make_solo();
  MeetingPlace place = find_meeting_place(options);
  meet_others(*place.store, place.options);
  const StoreOfC10d store = c10d_store(*place.store);
  try {
    kind.side_group = make_side_group(part_of(store, "side"), place.options);
    kind.store = store;
    kind.timeout_seconds = options.timeout_seconds;
    kind.interface = options.interface;
    const auto group = make(part_of(store, "group"), place.options);
    auto comm = make_process_group(group, std::move(kind));
    comm->barrier();  // nobody leaves while others still connect to it
    return comm;
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    throw CommError(fmt::format("{}: {}", kind.name, text.substr(0, text.find('\n'))));
  }
}

}  // namespace valley
