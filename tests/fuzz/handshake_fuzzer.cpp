#include <sys/socket.h>

#include "tests/fuzz/fuzzer.h"
#include "valley/comm/handshake.h"

using namespace valley;

// What a stranger says at the door, who does not know the secret: never enough to be let in.
VALLEY_FUZZER(handshake) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::runtime_error("no socket");
  const TcpSocket stranger(ends[1]);
  Handshake door = Handshake::host(TcpSocket(ends[0]), "secret", "mesh");
  const std::string_view said = bytes.substr(0, 4096);
  send(stranger.fd(), said.data(), said.size(), MSG_NOSIGNAL);
  shutdown(stranger.fd(), SHUT_WR);
  Handshake::State state = Handshake::State::kTalking;
  while (state == Handshake::State::kTalking) state = door.go_on();  // until the end is read
  fuzz::expect(state != Handshake::State::kAgreed, "let in");
  return door.greeted();
}
