#pragma once

#include <stdexcept>

namespace valley {

/// A peer failed, or it did not answer in time.
struct PeerError : std::runtime_error {
  PeerError(int peer, bool timed_out)
      : std::runtime_error(timed_out ? "timed out" : "connection closed"),
        peer(peer),
        timed_out(timed_out) {}
  PeerError(int peer, const char* how) : std::runtime_error(how), peer(peer), timed_out(false) {}
  int peer;
  bool timed_out;
};

}  // namespace valley
