#pragma once

#include <vector>

#include "valley/comm/join.h"
#include "valley/comm/store.h"
#include "valley/comm/tcp_socket.h"

namespace valley {

/// Connects this worker to all others of its group: to those of lower rank, whose addresses are in
/// the store, while those of higher rank connect to it. Both ends of a connection show that they
/// know the word that stands beside the address in the store, and the token where there is one (see
/// Handshake); who does not is sent away. Returns the sockets by rank (that of this worker is
/// none); they do not block, nor wait to fill a packet.
/// @throws CommError if a worker vanished before it had an address; std::runtime_error with the
/// kernel's reason, if somebody has not connected within the timeout, or has another token.
std::vector<TcpSocket> connect_to_all(const JoinOptions& options, Store& store);

}  // namespace valley
