#pragma once

#include <functional>
#include <list>
#include <string>
#include <vector>

#include "valley/comm/handshake.h"

struct pollfd;

namespace valley {

/// Those who have connected to a listening socket and have not yet shown that they know its secret.
/// Who does not within five seconds is sent away; of more than 64 at a time the one that has been
/// there longest. So they cost little, keep no worker out, and nobody waits for them.
class Strangers {
 public:
  /// Somebody who has shown it.
  struct Guest {
    TcpSocket socket;
    int64_t number = 0;
  };

  /// `on_refused` learns the address of who said something else.
  Strangers(std::string secret, std::string purpose,
            std::function<void(const std::string& from)> on_refused = {})
      : secret_(std::move(secret)),
        purpose_(std::move(purpose)),
        on_refused_(std::move(on_refused)) {}

  /// Adds what poll() shall look at: who waits at the door, and all who are within.
  void add_to(std::vector<pollfd>& waiting, const TcpSocket& door) const;

  /// Greets and hears whoever can be, without waiting. Returns those to let in.
  std::vector<Guest> hear(const TcpSocket& door);

  size_t size() const { return all_.size(); }

 private:
  struct Stranger {
    Handshake handshake;
    std::string from;
    double since = 0;
  };

  void refuse(const Stranger& stranger) const;

  const std::string secret_, purpose_;
  const std::function<void(const std::string&)> on_refused_;
  std::list<Stranger> all_;  // the eldest first
};

}  // namespace valley
