#include "valley/comm/tcp_mesh.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "valley/comm/tcp_connections.h"
#include "valley/comm/tcp_traffic.h"
#include "valley/core/clock.h"

namespace valley {

// The connection to one peer: what is to be sent, what is expected, and the message that is just
// arriving.
class TcpMesh::Peer {
  // Goes before the bytes of every message.
  struct Frame {
    uint64_t slot = 0;
    uint64_t bytes = 0;
  };

 public:
  Peer(int rank, TcpSocket socket) : rank_(rank), socket_(std::move(socket)) {}

  int fd() const { return socket_.fd(); }
  int64_t taken() const { return taken_; }
  bool broken() const { return broken_; }
  bool has_read_ahead() const { return ahead_begin_ < ahead_end_; }
  bool wants_to_write() const { return !broken_ && !outgoing_.empty(); }

  // `awaited`: somebody waits for a message of this peer. A message that nobody has asked for yet
  // stays with the kernel, which slows its sender, unless what is awaited may come behind it.
  bool wants_to_read(bool awaited) const {
    if (broken_) return false;
    if (awaited || target_ != nullptr) return true;
    return frame_bytes_ == sizeof(Frame) ? find_expected(frame_.slot) != expected_.end()
                                         : !expected_.empty();
  }

  void send(uint64_t slot, const char* data, int64_t bytes, Buffer& buffer) {
    if (has_left()) return give_up();
    outgoing_.push_back({{slot, static_cast<uint64_t>(bytes)}, data, 0, &buffer});
    ++buffer.under_way_;
    if (outgoing_.size() == 1) write();
  }

  void receive(uint64_t slot, char* data, int64_t bytes, Buffer& buffer) {
    const auto kept =
        std::find_if(kept_.begin(), kept_.end(), [&](const Kept& k) { return k.slot == slot; });
    if (kept == kept_.end()) {
      expected_.push_back({slot, data, static_cast<uint64_t>(bytes), &buffer});
      ++buffer.under_way_;
      return;
    }
    if (kept->data.size() != static_cast<size_t>(bytes)) return give_up();  // it does not fit
    std::memcpy(data, kept->data.data(), kept->data.size());
    ++buffer.received_[static_cast<size_t>(rank_)];
    kept_.erase(kept);
  }

  // Sends what the kernel takes.
  void write() {
    while (wants_to_write()) {
      Outgoing& next = outgoing_.front();
      const size_t of_frame = std::min(next.done, sizeof(Frame));
      const size_t of_data = next.done - of_frame;
      std::array<iovec, 2> parts = {
          iovec{reinterpret_cast<char*>(&next.frame) + of_frame, sizeof(Frame) - of_frame},
          iovec{const_cast<char*>(next.data) + of_data, next.frame.bytes - of_data}};
      msghdr message{};
      message.msg_iov = parts.data();
      message.msg_iovlen = parts.size();
      const ssize_t n = sendmsg(fd(), &message, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n < 0) return give_up();
      next.done += static_cast<size_t>(n);
      taken_ += n;
      if (next.done < sizeof(Frame) + next.frame.bytes) continue;
      ++next.buffer->sent_[static_cast<size_t>(rank_)];
      --next.buffer->under_way_;
      outgoing_.pop_front();
    }
  }

  // Reads what is there and wanted, until `through` counts one more message than nobody has waited
  // for, where it is given.
  void read(const int* through) {
    while (wants_to_read(through != nullptr && *through == 0)) {
      if (frame_bytes_ < sizeof(Frame)) {
        if (!take(reinterpret_cast<char*>(&frame_), frame_bytes_, sizeof(Frame))) return;
        continue;  // whether to read on is another question now
      }
      if (target_ == nullptr) aim();
      if (!take(target_, target_bytes_, room_)) return;
      room_ < frame_.bytes ? make_room() : arrived();
    }
  }

  // Nothing of the buffer's memory is read or written any more.
  void forget(const Buffer& buffer) {
    const bool half_sent =
        !outgoing_.empty() && outgoing_.front().buffer == &buffer && outgoing_.front().done > 0;
    const bool half_read = target_ != nullptr && target_buffer_ == &buffer;
    if (half_sent || half_read) give_up();
    std::erase_if(outgoing_, [&](const Outgoing& o) { return o.buffer == &buffer; });
    std::erase_if(expected_, [&](const Expected& e) { return e.buffer == &buffer; });
  }

  // May be called from any thread.
  void shut() const noexcept { shutdown(fd(), SHUT_RDWR); }

 private:
  struct Outgoing {
    Frame frame;
    const char* data;
    size_t done;  // of frame and data
    Buffer* buffer;
  };
  struct Expected {
    uint64_t slot;
    char* data;
    uint64_t bytes;
    Buffer* buffer;
  };
  struct Kept {
    uint64_t slot;
    std::vector<char> data;
  };

  // What it sent before it left may still wait here, but nobody reads an answer.
  bool has_left() const {
    pollfd now{fd(), POLLRDHUP, 0};
    return poll(&now, 1, 0) > 0;
  }

  std::deque<Expected>::const_iterator find_expected(uint64_t slot) const {
    return std::find_if(expected_.begin(), expected_.end(),
                        [&](const Expected& e) { return e.slot == slot; });
  }

  // A half-read or half-sent message cannot be made good.
  void give_up() {
    broken_ = true;
    shut();
  }

  // Where the bytes of the message go whose frame has been read.
  void aim() {
    const auto expected = find_expected(frame_.slot);
    if (expected == expected_.end()) {
      kept_.push_back({frame_.slot, {}});
      target_buffer_ = nullptr;
      make_room();
    } else {
      target_ = expected->data;
      target_buffer_ = expected->buffer;
      room_ = frame_.bytes;
      if (expected->bytes != frame_.bytes) give_up();  // it does not fit
      expected_.erase(expected);
    }
  }

  // Memory for a message that is kept follows the bytes that are there, not what its frame claims.
  void make_room() {
    constexpr uint64_t kLeast = 1 << 20;
    std::vector<char>& data = kept_.back().data;
    data.resize(std::min(frame_.bytes, std::max(kLeast, 2 * uint64_t{data.size()})));
    target_ = data.data();
    room_ = data.size();
  }

  void arrived() {
    if (target_buffer_ != nullptr) {
      ++target_buffer_->received_[static_cast<size_t>(rank_)];
      --target_buffer_->under_way_;
    }
    target_ = nullptr;
    target_bytes_ = frame_bytes_ = 0;
  }

  // Fills `to` from `done` up to `bytes`. Returns whether it is full.
  bool take(char* to, size_t& done, size_t bytes) {
    while (!broken_ && done < bytes) {
      const size_t left = bytes - done;
      if (has_read_ahead()) {
        const size_t n = std::min(left, ahead_end_ - ahead_begin_);
        std::memcpy(to + done, ahead_.data() + ahead_begin_, n);
        ahead_begin_ += n;
        done += n;
        continue;
      }
      const bool direct = left >= ahead_.size();
      const ssize_t n =
          direct ? recv(fd(), to + done, left, 0) : recv(fd(), ahead_.data(), ahead_.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
      if (n <= 0) {
        give_up();
      } else if (direct) {
        done += static_cast<size_t>(n);
      } else {
        ahead_begin_ = 0;
        ahead_end_ = static_cast<size_t>(n);
      }
    }
    return !broken_;
  }

  const int rank_;
  const TcpSocket socket_;
  bool broken_ = false;
  int64_t taken_ = 0;  // bytes, by the kernel
  std::deque<Outgoing> outgoing_;
  std::deque<Expected> expected_;
  std::deque<Kept> kept_;  // nobody had asked for them

  Frame frame_;
  size_t frame_bytes_ = 0;           // of it that have arrived
  char* target_ = nullptr;           // where the message goes; nullptr: not known yet
  size_t target_bytes_ = 0;          // of it that have arrived
  size_t room_ = 0;                  // that there is for it
  Buffer* target_buffer_ = nullptr;  // nullptr: it is kept

  // Small messages, with what comes behind them, are one call of the kernel.
  std::array<char, 512> ahead_;
  size_t ahead_begin_ = 0, ahead_end_ = 0;
};

TcpMesh::TcpMesh(const JoinOptions& options, Store& store)
    : rank_(options.rank), timeout_seconds_(options.timeout_seconds) {
  for (TcpSocket& socket : connect_to_all(options, store)) {
    const auto rank = static_cast<int>(peers_.size());
    peers_.push_back(rank == rank_ ? nullptr : std::make_unique<Peer>(rank, std::move(socket)));
  }
}

TcpMesh::~TcpMesh() = default;

void TcpMesh::close() noexcept {
  closed_ = true;
  for (const auto& peer : peers_) {
    if (peer) peer->shut();
  }
}

Traffic TcpMesh::traffic() const {
  Traffic all;
  for (const auto& peer : peers_) {
    if (!peer) continue;
    all.sent += peer->taken();
    all.acknowledged += acknowledged_bytes(peer->fd());
  }
  return all;
}

TcpMesh::Peer& TcpMesh::usable(int peer) {
  Peer& found = *peers_.at(static_cast<size_t>(peer));
  if (closed_ || found.broken()) throw PeerError(peer, false);
  return found;
}

// Until `through` counts a message that nobody has waited for.
void TcpMesh::wait(int peer, std::vector<int>& through, bool receiving) {
  int& count = through[static_cast<size_t>(peer)];
  const int* const received = receiving ? &count : nullptr;
  double start = 0, deadline = 0;
  bool told = on_stall_ == nullptr;
  while (count == 0) {
    usable(peer);
    // What is there need not wait for the kernel's word.
    for (const auto& other : peers_) {
      if (other) other->write();
    }
    peers_[static_cast<size_t>(peer)]->read(received);
    if (count > 0) break;
    usable(peer);
    const double now = now_seconds();
    if (start == 0) start = now, deadline = now + timeout_seconds_;
    if (now >= deadline) throw PeerError(peer, true);
    if (!told && now - start >= stall_seconds_) told = true, on_stall_(peer, now - start);
    poll_all(peer, receiving, (told ? deadline : std::min(deadline, start + stall_seconds_)) - now);
  }
  --count;
}

// Waits until there is something to read or to write, and reads what is from others than `peer`.
void TcpMesh::poll_all(int peer, bool receiving, double seconds) {
  std::vector<pollfd> waiting(peers_.size(), pollfd{-1, 0, 0});
  bool at_once = false;
  for (size_t p = 0; p < peers_.size(); ++p) {
    if (!peers_[p]) continue;
    const bool reads = peers_[p]->wants_to_read(receiving && p == static_cast<size_t>(peer));
    const bool writes = peers_[p]->wants_to_write();
    at_once = at_once || (reads && peers_[p]->has_read_ahead());
    // One without a wish is not looked at, or a connection that has ended would wake us for ever.
    if (reads || writes) waiting[p].fd = peers_[p]->fd();
    waiting[p].events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
  }
  poll(waiting.data(), waiting.size(),
       at_once ? 0 : static_cast<int>(std::min(seconds, 1e6) * 1000) + 1);
  for (size_t p = 0; p < peers_.size(); ++p) {
    if (p != static_cast<size_t>(peer) && (waiting[p].events & POLLIN) != 0)
      peers_[p]->read(nullptr);
  }
}

TcpMesh::Buffer::Buffer(TcpMesh& mesh, const void* data)
    : mesh_(mesh),
      data_(static_cast<char*>(const_cast<void*>(data))),
      sent_(mesh.peers_.size()),
      received_(mesh.peers_.size()) {}

TcpMesh::Buffer::~Buffer() {
  if (under_way_ == 0) return;
  for (const auto& peer : mesh_.peers_) {
    if (peer) peer->forget(*this);
  }
}

void TcpMesh::Buffer::send(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  Peer& to = mesh_.usable(peer);
  to.send(slot, data_ + offset, bytes, *this);
  if (to.broken()) throw PeerError(peer, false);
}

void TcpMesh::Buffer::receive(int peer, uint64_t slot, int64_t offset, int64_t bytes) {
  mesh_.usable(peer).receive(slot, data_ + offset, bytes, *this);
}

void TcpMesh::Buffer::wait_sent(int peer) { mesh_.wait(peer, sent_, false); }

void TcpMesh::Buffer::wait_received(int peer) { mesh_.wait(peer, received_, true); }

}  // namespace valley
