#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "valley/comm/call.h"

namespace valley {

/// What every worker sends every other at the start of an operation.
struct Header {
  int64_t sequence = 0;  ///< 0: has not arrived
  int64_t numel = 0;
  int32_t operation = 0;
  int32_t dtype = 0;
  int32_t root = 0;
  int8_t text = 0;
  int8_t stop = 0;
  int16_t unused = 0;
  // From the sender to the receiver of this header, and back; -1: nothing.
  int64_t sends_numel = -1;
  int64_t expects_numel = -1;
  int32_t sends_dtype = 0;
  int32_t expects_dtype = 0;
  int64_t reserved = 0;
};
static_assert(sizeof(Header) == 64);

/// A message to or from one peer.
struct Part {
  int peer;
  const void* data;
  int64_t bytes;
  int64_t numel = 0;  ///< numel and dtype: only what the header tells the peer
  at::ScalarType dtype = at::kByte;
};
struct Message;
std::vector<Part> to_parts(const std::vector<Message>& messages);

/// One text for all others, as bytes, or for `root` alone where that is a rank.
std::vector<Part> text_to(int root, const std::string& text, int rank, int size);

/// The headers of one operation: what this worker tells each other, what they have told.
class Headers {
 public:
  Headers(int rank, std::vector<int> global_ranks);

  Header& to(int peer) { return sent_[static_cast<size_t>(peer)]; }
  Header& from(int peer) { return received_[static_cast<size_t>(peer)]; }

  /// Fills what this worker tells.
  void tell(const Call& call, const std::vector<Part>& sends, const std::vector<Part>& receives);

  /// All have arrived: keeps them, so that the next ones may be written. Returns the line of
  /// mismatch(), or sets call.stop.
  std::optional<std::string> compare(Call& call);

  /// Of those kept: the first message that is not expected as it is sent, or the other way.
  std::optional<std::string> unmatched_message(const Call& call) const;

  /// The bytes of a text that the peer sends in the operation whose headers are kept.
  size_t text_bytes(int peer) const {
    return static_cast<size_t>(kept_[static_cast<size_t>(peer)].sends_numel);
  }

  /// All ranks whose header of that operation has not arrived.
  std::vector<int> missing(const Call& call) const;

 private:
  const int rank_;
  const std::vector<int> global_ranks_;
  std::vector<Header> received_, sent_;  // by peer; the network writes and reads them
  std::vector<Header> kept_;             // of the operation under way, by rank
};

}  // namespace valley
