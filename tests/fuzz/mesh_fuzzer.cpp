#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "tests/fuzz/fuzzer.h"
#include "tests/fuzz/heard_store.h"
#include "valley/comm/peer_error.h"
#include "valley/comm/tcp_mesh.h"

using namespace valley;

namespace {

// A peer of rank 0 that says what it likes.
class Peer {
 public:
  Peer() : door_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (bind(door_, plain, length) != 0 || listen(door_, 16) != 0 ||
        getsockname(door_, plain, &length) != 0)
      throw std::runtime_error("no socket");
    text_ = fmt::format("7 {} 127.0.0.1", ntohs(address.sin_port));
  }

  const std::string& door() const { return text_; }

  void say(std::string_view bytes) {
    connection_ = accept(door_, nullptr, nullptr);
    const linger at_once{1, 0};  // leaves no connection behind that would wait for its end
    setsockopt(connection_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0 ||
        shutdown(connection_, SHUT_WR) != 0)
      throw std::runtime_error("no connection");
  }

  void leave() { close(connection_); }

 private:
  int door_, connection_ = -1;
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
  {
    TcpMesh mesh(options, store);
    peer.say(bytes.substr(0, 1 << 14));
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
