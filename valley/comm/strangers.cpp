#include "valley/comm/strangers.h"

#include <poll.h>

#include <iterator>
#include <utility>

#include "valley/core/clock.h"

namespace valley {
namespace {

constexpr size_t kMostStrangers = 64;
constexpr double kStrangerSeconds = 5;

}  // namespace

void Strangers::add_to(std::vector<pollfd>& waiting, const TcpSocket& door) const {
  waiting.push_back({door.fd(), POLLIN, 0});
  for (const Stranger& stranger : all_) waiting.push_back({stranger.handshake.fd(), POLLIN, 0});
}

void Strangers::refuse(const Stranger& stranger) const {
  if (on_refused_ && stranger.handshake.heard()) on_refused_(stranger.from);
}

std::vector<Strangers::Guest> Strangers::hear(const TcpSocket& door) {
  // So many and no more at a time: those who are let in have their turn.
  for (size_t n = 0; n < kMostStrangers; ++n) {
    std::string from;
    TcpSocket socket = accept_one(door, from);
    if (!socket) break;
    if (all_.size() == kMostStrangers) all_.pop_front();
    all_.push_back({Handshake::host(std::move(socket), secret_, purpose_), from, now_seconds()});
  }
  std::vector<Guest> guests;
  for (auto at = all_.begin(); at != all_.end();) {
    const Handshake::State state = at->handshake.go_on();
    const bool late = now_seconds() - at->since >= kStrangerSeconds;
    if (state == Handshake::State::kTalking && !late) {
      ++at;
      continue;
    }
    if (state == Handshake::State::kAgreed) {
      const int64_t number = at->handshake.number();
      guests.push_back({at->handshake.take(), number});
    } else {
      refuse(*at);
    }
    at = all_.erase(at);
  }
  return guests;
}

}  // namespace valley
