#include "valley/comm/tcp_connections.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "valley/comm/address.h"
#include "valley/comm/handshake.h"
#include "valley/comm/mac.h"
#include "valley/comm/strangers.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"

namespace valley {
namespace {

constexpr const char* kPurpose = "mesh";
constexpr double kPollSeconds = 0.5;  // the strangers' time is looked at as often

std::string door_key(int rank) { return fmt::format("door/{}", rank); }

// Where a worker listens, and the word for it.
struct DoorPlate {
  std::string word, address;
  int port = 0;

  std::string encode() const { return fmt::format("{} {} {}", word, port, address); }
  static DoorPlate decode(const std::string& code) {
    DoorPlate plate;
    std::istringstream in(code);
    in >> plate.word >> plate.port >> plate.address;
    return plate;
  }
  // The token is of the job, the word of this start of it.
  std::string secret(const std::string& token) const { return token + "/" + word; }
};

std::string fresh_word() {
  const Nonce nonce = fresh_nonce();
  return hexadecimal(mac("", {text_of(nonce)})).substr(0, 32);
}

// All connections of a worker while they are made.
class Connecting {
 public:
  Connecting(const JoinOptions& options, const TcpSocket& door, const DoorPlate& own)
      : options_(options),
        door_(door),
        strangers_(own.secret(options.token), kPurpose),
        sockets_(static_cast<size_t>(options.size)) {}

  void knock(int rank, const DoorPlate& plate) {
    plates_[rank] = plate;
    try {
      calls_.insert_or_assign(
          rank, Handshake::guest(begin_to_connect(plate.address, plate.port),
                                 plate.secret(options_.token), kPurpose, options_.rank));
    } catch (const std::runtime_error& error) {
      fail(rank, error.what());
    }
  }

  // Waits a while for whatever comes next.
  void go_on(double seconds) {
    std::vector<pollfd> waiting;
    strangers_.add_to(waiting, door_);
    for (const auto& [rank, call] : calls_) waiting.push_back({call.fd(), call.wishes(), 0});
    poll(waiting.data(), waiting.size(),
         static_cast<int>(std::min(seconds, kPollSeconds) * 1000) + 1);
    for (Strangers::Guest& guest : strangers_.hear(door_)) {
      // Each once: a second one with its rank would take the place of the first.
      const auto place = static_cast<size_t>(guest.number);
      if (options_.rank < guest.number && guest.number < options_.size && !sockets_[place])
        sockets_[place] = std::move(guest.socket);
    }
    std::vector<int> again;
    for (auto next = calls_.begin(); next != calls_.end();) {
      auto& [rank, call] = *next;
      const Handshake::State state = call.go_on();
      if (state == Handshake::State::kTalking) {
        ++next;
        continue;
      }
      if (state == Handshake::State::kAgreed) {
        sockets_[static_cast<size_t>(rank)] = call.take();
      } else if (state == Handshake::State::kEnded && call.greeted()) {
        again.push_back(rank);  // sent away among strangers, by one with a crowd at its door
      } else {
        fail(rank, call.reason());
      }
      next = calls_.erase(next);
    }
    if (!again.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    for (const int rank : again) knock(rank, DoorPlate(plates_.at(rank)));
  }

  int missing() const {
    int count = -1;  // itself
    for (const TcpSocket& socket : sockets_) count += socket ? 0 : 1;
    return count;
  }

  // Of those it connects to, with where they are; of the others the number.
  std::string who_is_missing() const {
    if (!calls_.empty()) {
      const DoorPlate& plate = plates_.at(calls_.begin()->first);
      return fmt::format("{}: Connection timed out", host_and_port(plate.address, plate.port));
    }
    return fmt::format("{} of {} others were not heard of", missing(),
                       options_.size - 1 - options_.rank);
  }

  std::vector<TcpSocket> take() { return std::move(sockets_); }

 private:
  [[noreturn]] void fail(int rank, const std::string& reason) const {
    const DoorPlate& plate = plates_.at(rank);
    throw std::runtime_error(
        fmt::format("{}: {}", host_and_port(plate.address, plate.port), reason));
  }

  const JoinOptions& options_;
  const TcpSocket& door_;
  Strangers strangers_;
  std::map<int, DoorPlate> plates_;
  std::map<int, Handshake> calls_;  // by rank
  std::vector<TcpSocket> sockets_;
};

}  // namespace

std::vector<TcpSocket> connect_to_all(const JoinOptions& options, Store& store) {
  const double deadline = now_seconds() + options.timeout_seconds;
  const auto left = [&] { return std::max(0.0, deadline - now_seconds()); };

  const TcpSocket door = listen_at(options.address, 0);
  const DoorPlate own{fresh_word(), options.address, port_of(door)};
  store.set(door_key(options.rank), own.encode());
  Connecting connecting(options, door, own);
  for (int peer = 0; peer < options.rank; ++peer) {
    if (!store.wait(door_key(peer), left())) {
      throw CommError(fmt::format("a worker joined and vanished: no address under {} in the store",
                                  door_key(peer)));
    }
    connecting.knock(peer, DoorPlate::decode(*store.get(door_key(peer))));
  }
  while (connecting.missing() > 0) {
    if (left() == 0) throw std::runtime_error(connecting.who_is_missing());
    connecting.go_on(left());
  }
  std::vector<TcpSocket> sockets = connecting.take();
  for (const TcpSocket& socket : sockets) {
    if (socket) send_at_once(socket);
  }
  return sockets;
}

}  // namespace valley
