#include "valley/comm/handshake.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace valley {
namespace {

constexpr char kMagic[] = "VALLEY1\n";
constexpr size_t kMagicSize = sizeof(kMagic) - 1;

std::string_view bytes_of(const int64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof(number)};
}

}  // namespace

Handshake Handshake::host(TcpSocket socket, std::string secret, std::string purpose) {
  return {std::move(socket), std::move(secret), std::move(purpose), true, 0};
}

Handshake Handshake::guest(TcpSocket socket, std::string secret, std::string purpose,
                           int64_t number) {
  Handshake made(std::move(socket), std::move(secret), std::move(purpose), false, number);
  made.of_guest_ = fresh_nonce();
  return made;
}

Handshake::Handshake(TcpSocket socket, std::string secret, std::string purpose, bool hosts,
                     int64_t number)
    : socket_(std::move(socket)),
      secret_(std::move(secret)),
      purpose_(std::move(purpose)),
      hosts_(hosts),
      number_(number),
      wanted_(hosts ? kCall : kGreeting) {}

Handshake::State Handshake::end(State state, std::string reason) {
  reason_ = std::move(reason);
  return state_ = state;
}

// So few bytes are taken at once by a connection on which there is nothing yet, or it has ended.
void Handshake::send(const void* bytes, size_t size) {
  if (::send(fd(), bytes, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
    end(State::kEnded, std::strerror(errno));
}

void Handshake::wait_for(size_t bytes) {
  arrived_ = 0;
  wanted_ = bytes;
}

short Handshake::wishes() const { return hosts_ || called_ ? POLLIN : POLLOUT; }

Handshake::State Handshake::go_on() {
  if (state_ == State::kTalking && !hosts_ && !called_) call();
  while (state_ == State::kTalking && (hosts_ || called_)) {
    const ssize_t n = recv(fd(), bytes_.data() + arrived_, wanted_ - arrived_, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n < 0) return end(State::kEnded, std::strerror(errno));
    if (n == 0) return end(State::kEnded, "connection closed");
    arrived_ += static_cast<size_t>(n);
    if (!begins_well()) return end(State::kRefused, "no worker of valley speaks there");
    if (arrived_ == wanted_) act();
  }
  return state_;
}

// Once there is a connection.
void Handshake::call() {
  if (!ready(socket_, POLLOUT, 0)) return;
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    end(State::kEnded, std::strerror(error));
    return;
  }
  called_ = true;
  std::array<char, kCall> words;
  std::memcpy(words.data(), kMagic, kMagicSize);
  std::memcpy(words.data() + kMagicSize, &number_, sizeof(number_));
  std::memcpy(words.data() + kMagicSize + sizeof(number_), of_guest_.data(), of_guest_.size());
  send(words.data(), words.size());
}

// What is no such word at all is not waited for any longer.
bool Handshake::begins_well() const {
  return greeted_ || std::memcmp(bytes_.data(), kMagic, std::min(arrived_, kMagicSize)) == 0;
}

void Handshake::act() {
  if (!greeted_) {
    greeted_ = true;
    return hosts_ ? greet() : prove();
  }
  return hosts_ ? judge() : hear_verdict();
}

Mac Handshake::proof(const char* who) const {
  return mac(secret_, {who, purpose_, text_of(of_host_), text_of(of_guest_), bytes_of(number_)});
}

void Handshake::greet() {
  std::memcpy(&number_, bytes_.data() + kMagicSize, sizeof(number_));
  std::memcpy(of_guest_.data(), bytes_.data() + kMagicSize + sizeof(number_), of_guest_.size());
  of_host_ = fresh_nonce();
  std::array<char, kGreeting> words;
  std::memcpy(words.data(), kMagic, kMagicSize);
  std::memcpy(words.data() + kMagicSize, of_host_.data(), of_host_.size());
  wait_for(kProof);
  send(words.data(), words.size());
}

void Handshake::prove() {
  std::memcpy(of_host_.data(), bytes_.data() + kMagicSize, of_host_.size());
  const Mac mine = proof("guest");
  wait_for(kProof);
  send(mine.data(), mine.size());
}

void Handshake::judge() {
  const std::string_view theirs(bytes_.data(), kProof);
  const bool known = same(theirs, text_of(proof("guest")));
  const Mac verdict = known ? proof("host") : Mac{};
  send(verdict.data(), verdict.size());
  if (!known) end(State::kRefused, "it does not know the token");
  if (state_ == State::kTalking) end(State::kAgreed, "");
}

void Handshake::hear_verdict() {
  const std::string_view theirs(bytes_.data(), kProof);
  if (same(theirs, text_of(proof("host")))) {
    end(State::kAgreed, "");
  } else {
    end(State::kRefused, same(theirs, text_of(Mac{}))
                             ? "the token was refused there"
                             : "who answers there does not know the token");
  }
}

}  // namespace valley
