#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/heard_store.h"
#include "valley/comm/handshake.h"
#include "valley/comm/peer_error.h"
#include "valley/comm/tcp_mesh.h"
#include "valley/comm/tcp_socket.h"

using namespace valley;

namespace {

// Rank 0, which lets the other in as all do, and then says what it likes.
class Peer {
 public:
  Peer() : door_(listen_at("127.0.0.1", 0)), text_(fmt::format("7 {} 127.0.0.1", port_of(door_))) {}

  const std::string& door() const { return text_; }

  // On a thread of its own: who is let in waits for the answers.
  void say(std::string_view bytes) {
    std::string from;
    if (!ready(door_, POLLIN, 5)) return;
    Handshake hello = Handshake::host(accept_one(door_, from), "/7", "mesh");
    while (hello.go_on() == Handshake::State::kTalking &&
           ready(hello.socket(), hello.wishes(), 5)) {
    }
    connection_ = hello.take();
    const linger at_once{1, 0};  // leaves no connection behind that would wait for its end
    setsockopt(connection_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    send(connection_.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(connection_.fd(), SHUT_WR);
  }

  void leave() { connection_ = TcpSocket(); }

 private:
  TcpSocket door_, connection_;
  std::string text_;
};

}  // namespace

// The bytes of a peer that has been let in, where two messages are awaited in one slot and one in
// another.
VALLEY_FUZZER(mesh) {
  static Peer peer;
  fuzz::HeardStore store({{"door/0", peer.door()}});
  JoinOptions options;
  options.rank = 1;
  options.size = 2;
  options.address = "127.0.0.1";
  options.timeout_seconds = 5;
  bool all = false;
  std::jthread speaker([&] { peer.say(bytes.substr(0, 1 << 14)); });
  {
    TcpMesh mesh(options, store);
    speaker.join();
    std::array<char, 96> memory;
    TcpMesh::Buffer early(mesh, memory.data()), late(mesh, memory.data() + 64);
    early.receive(0, 1, 0, 64);
    try {
      early.wait_received(0);
      late.receive(0, 2, 0, 16);
      early.receive(0, 1, 8, 8);
      early.wait_received(0);
      late.wait_received(0);
      all = true;
    } catch (const PeerError&) {
    }
    peer.leave();
  }
  return all;
}
