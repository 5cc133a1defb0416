#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "valley/comm/clock_offset.h"
#include "valley/comm/group.h"
#include "valley/comm/meeting.h"
#include "valley/comm/mpi.h"
#include "valley/comm/mpi_communicator.h"
#include "valley/comm/ranks.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr int64_t kDoor = 0;  // the group whose messages are those of workers that join

// What a worker says at the door.
struct Greeting {
  int64_t group = 0;  // the number that it would give theirs
  std::string place;  // of its process
  std::string card;

  std::string encode() const { return fmt::format("{}\n{}\n{}", group, place, card); }
  static Greeting decode(const std::string& code) {
    const size_t first = code.find('\n'), second = code.find('\n', first + 1);
    return {std::stoll(code.substr(0, first)), code.substr(first + 1, second - first - 1),
            code.substr(second + 1)};
  }
};

// The texts of all workers, by rank.
std::vector<std::string> texts_at_the_door(MpiMesh& door, const std::string& mine) {
  const auto size = static_cast<size_t>(door.size());
  std::vector<std::string> texts(size);
  std::vector<int64_t> lengths(size, -1);
  const auto length = static_cast<int64_t>(mine.size());
  MpiMesh::Buffer lengths_in(door, lengths.data()), length_out(door, &length),
      text_out(door, mine.data());
  const auto for_each_peer = [&](const auto& f) {
    for (int peer = 0; peer < door.size(); ++peer) {
      if (peer != door.rank()) f(peer);
    }
  };
  constexpr auto kLengthBytes = static_cast<int64_t>(sizeof(length));
  const double start = now_seconds();
  try {
    for_each_peer(
        [&](int peer) { lengths_in.receive(peer, 0, peer * kLengthBytes, kLengthBytes); });
    for_each_peer([&](int peer) {
      length_out.send(peer, 0, 0, kLengthBytes);
      text_out.send(peer, 1, 0, length);
    });
    for_each_peer([&](int peer) {
      lengths_in.wait_received(peer);
      std::string& text = texts[static_cast<size_t>(peer)];
      text.resize(static_cast<size_t>(lengths[static_cast<size_t>(peer)]));
      MpiMesh::Buffer text_in(door, text.data());
      text_in.receive(peer, 1, 0, static_cast<int64_t>(text.size()));
      text_in.wait_received(peer);
    });
    for_each_peer([&](int peer) {
      length_out.wait_sent(peer);
      text_out.wait_sent(peer);
    });
  } catch (const PeerError& error) {
    std::vector<int> missing;
    for_each_peer([&](int peer) {
      if (lengths[static_cast<size_t>(peer)] < 0) missing.push_back(peer);
    });
    if (missing.empty()) missing.push_back(error.peer);
    const std::string text = did_not_join(missing, now_seconds() - start);
    throw CommError(error.timed_out ? text : fmt::format("{}: {}", text, error.what()));
  }
  texts[static_cast<size_t>(door.rank())] = mine;
  return texts;
}

void require_equal_cards(const std::vector<Greeting>& greetings) {
  std::vector<std::optional<Card>> cards;
  for (const Greeting& greeting : greetings) cards.emplace_back(Card::decode(greeting.card));
  const std::string difference = first_difference(cards);
  if (!difference.empty()) throw UsageError(difference);
}

}  // namespace

std::unique_ptr<Communicator> join_mpi(const JoinOptions& options) {
  MpiLibrary& mpi = MpiLibrary::start(options.timeout_seconds);
  const std::vector<int> ranks = everyone(options.size);
  const auto nobody = std::make_shared<ProcessWatch>(
      std::vector<std::string>(static_cast<size_t>(options.size)), mpi.rank());
  const Greeting mine{mpi.next_group(), ProcessWatch::own_place(),
                      card_at_the_door(options.card, options.size).encode()};
  std::vector<Greeting> greetings;
  {
    MpiMesh door(mpi, {mpi.rank(), ranks, kDoor}, nobody, options.timeout_seconds);
    for (const std::string& text : texts_at_the_door(door, mine.encode()))
      greetings.push_back(Greeting::decode(text));
  }
  require_equal_cards(greetings);
  if (options.rank == 0 && options.on_message) options.on_message("talking through " + mpi.name());

  MpiMesh::Group group{.rank = mpi.rank(), .ranks = ranks};
  std::vector<std::string> places;
  for (const Greeting& greeting : greetings) {
    group.number = std::max(group.number, greeting.group);
    places.push_back(greeting.place);
  }
  auto comm =
      make_mpi_worker(mpi, std::move(group), std::make_shared<ProcessWatch>(places, mpi.rank()),
                      options.timeout_seconds, {options.stall_seconds, options.on_stall});
  compare_clocks(*comm);
  return comm;
}

std::unique_ptr<Communicator> make_mpi(const JoinOptions& options) {
  require_valid(options);
  if (options.size == 1) return make_solo();
  require(options.by_mpi, "{} mpi needs workers that mpirun has started", Key{"backend"});
  const MpiLibrary& mpi = MpiLibrary::start(options.timeout_seconds);
  require(mpi.rank() == options.rank && mpi.size() == options.size,
          "{} says that this is rank {} of {}, whoever started it rank {} of {}: they do not "
          "belong together",
          mpi.name(), mpi.rank(), mpi.size(), options.rank, options.size);
  return join_mpi(options);
}

}  // namespace valley
