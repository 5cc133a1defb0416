#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "valley/comm/mac.h"
#include "valley/comm/tcp_socket.h"

namespace valley {

/// One side of the first words on a connection, of fixed sizes, by which both ends show that they
/// know a secret which itself does not travel:
///
///     guest to host   32 bytes   "VALLEY1\n", number n, nonce g
///     host to guest   24 bytes   "VALLEY1\n", nonce h
///     guest to host   32 bytes   HMAC(secret; "guest", purpose, h, g, n)
///     host to guest   32 bytes   HMAC(secret; "host", purpose, h, g, n), or zeros: you do not
///
/// The guest begins, and shows it first: a client of LibTorch's store bears no word from a host
/// that it has not asked, and who knows nothing learns nothing that depends on the secret.
///
/// What follows is neither encrypted nor authenticated. Nothing here blocks; who holds it polls the
/// socket and bounds the time.
class Handshake {
 public:
  enum class State {
    kTalking,
    kAgreed,   ///< both know the secret
    kRefused,  ///< the other does not, or says that this one does not
    kEnded,    ///< the other has left, or never came: reason()
  };

  /// Hears who has connected. `purpose` tells this door from others with the same secret.
  static Handshake host(TcpSocket socket, std::string secret, std::string purpose);
  /// On a connection that is being made; `number` is for the host, e.g. a rank.
  static Handshake guest(TcpSocket socket, std::string secret, std::string purpose, int64_t number);

  /// Reads what has come, no byte more than belongs to it, and answers.
  State go_on();
  /// What to poll the socket for before the next go_on().
  short wishes() const;

  /// A guest's: whether there was a connection.
  bool called() const { return called_; }
  /// Whether the other has begun as one of these does.
  bool greeted() const { return greeted_; }
  /// A host's: whether the guest has said anything.
  bool heard() const { return arrived_ > 0 || greeted_ || state_ == State::kRefused; }

  int64_t number() const { return number_; }
  const std::string& reason() const { return reason_; }
  int fd() const { return socket_.fd(); }
  const TcpSocket& socket() const { return socket_; }
  TcpSocket take() { return std::move(socket_); }

 private:
  static constexpr size_t kCall = 32, kGreeting = 24, kProof = 32;

  Handshake(TcpSocket socket, std::string secret, std::string purpose, bool hosts, int64_t number);
  void call();
  bool begins_well() const;
  void act();
  void greet();
  void prove();
  void judge();
  void hear_verdict();
  State end(State state, std::string reason);
  void send(const void* bytes, size_t size);
  void wait_for(size_t bytes);
  Mac proof(const char* who) const;

  TcpSocket socket_;
  std::string secret_, purpose_;
  bool hosts_;
  bool called_ = false, greeted_ = false;
  State state_ = State::kTalking;
  std::string reason_;
  int64_t number_;
  Nonce of_host_{}, of_guest_{};
  std::array<char, kCall> bytes_{};  // of what is arriving
  size_t arrived_ = 0, wanted_;
};

}  // namespace valley
