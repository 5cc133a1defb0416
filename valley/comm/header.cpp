#include "valley/comm/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "valley/comm/communicator.h"
#include "valley/comm/ranks.h"

namespace valley {
namespace {

Header to_header(const Call& call) {
  Header header;
  header.sequence = call.sequence;
  header.numel = call.numel;
  header.operation = static_cast<int32_t>(call.operation);
  header.dtype = static_cast<int32_t>(call.dtype);
  header.root = call.root;
  header.text = call.text;
  header.stop = call.stop;
  return header;
}

Call to_call(const Header& header) {
  Call call;
  call.operation = static_cast<Operation>(header.operation);
  call.text = header.text != 0;
  call.dtype = static_cast<at::ScalarType>(header.dtype);
  call.numel = header.numel;
  call.root = header.root;
  call.sequence = header.sequence;
  call.stop = header.stop != 0;
  return call;
}

constexpr int64_t kLongestText = int64_t{1} << 30;  // memory is made for it

// What no worker of this version sends the one of that rank, or nothing.
std::optional<std::string> unreadable(const Header& header, int name, int rank) {
  if (header.operation < 0 || header.operation >= kOperations)
    return fmt::format(
        "rank {} called an operation that is not known here: it runs another version "
        "of valley",
        name);
  const bool is_for_it = header.root < 0 || header.root == rank;  // see gather_text()
  if (header.text != 0 && is_for_it &&
      (header.sends_numel < 0 || header.sends_numel > kLongestText))
    return fmt::format("rank {} sends a text of {} bytes, expected at most {}", name,
                       header.sends_numel, kLongestText);
  return std::nullopt;
}

std::string describe_message(int64_t numel, int32_t dtype) {
  return numel < 0 ? "nothing" : describe_values(numel, static_cast<at::ScalarType>(dtype));
}

}  // namespace

std::vector<Part> to_parts(const std::vector<Message>& messages) {
  std::vector<Part> parts;
  for (const auto& [peer, tensor] : messages) {
    parts.push_back({peer, tensor.data_ptr(), static_cast<int64_t>(tensor.nbytes()), tensor.numel(),
                     tensor.scalar_type()});
  }
  return parts;
}

std::vector<Part> text_to(int root, const std::string& text, int rank, int size) {
  std::vector<Part> parts;
  const auto length = static_cast<int64_t>(text.size());
  for (int peer = 0; peer < size; ++peer) {
    if (peer != rank && (root < 0 || peer == root))
      parts.push_back({peer, text.data(), length, length, at::kByte});
  }
  return parts;
}

Headers::Headers(int rank, std::vector<int> global_ranks)
    : rank_(rank),
      global_ranks_(std::move(global_ranks)),
      received_(global_ranks_.size()),
      sent_(global_ranks_.size()) {}

void Headers::tell(const Call& call, const std::vector<Part>& sends,
                   const std::vector<Part>& receives) {
  std::fill(sent_.begin(), sent_.end(), to_header(call));
  for (const Part& part : sends) {
    to(part.peer).sends_numel = part.numel;
    to(part.peer).sends_dtype = static_cast<int32_t>(part.dtype);
  }
  for (const Part& part : receives) {
    to(part.peer).expects_numel = part.numel;
    to(part.peer).expects_dtype = static_cast<int32_t>(part.dtype);
  }
}

std::optional<std::string> Headers::compare(Call& call) {
  kept_ = received_;
  for (size_t peer = 0; peer < kept_.size(); ++peer) {
    if (peer == static_cast<size_t>(rank_)) continue;
    if (auto text = unreadable(kept_[peer], global_ranks_[peer], rank_)) return text;
  }
  kept_[static_cast<size_t>(rank_)] = to_header(call);
  std::vector<Call> calls;
  for (const Header& header : kept_) calls.push_back(to_call(header));
  if (auto text = mismatch(calls, global_ranks_)) return text;
  call.stop = std::any_of(calls.begin(), calls.end(), [](const Call& c) { return c.stop; });
  return std::nullopt;
}

std::optional<std::string> Headers::unmatched_message(const Call& call) const {
  for (int peer = 0; peer < static_cast<int>(kept_.size()); ++peer) {
    if (peer == rank_) continue;
    const Header& mine = sent_[static_cast<size_t>(peer)];
    const Header& theirs = kept_[static_cast<size_t>(peer)];
    const auto check = [&](int from, int to, const Header& sender, const Header& receiver) {
      return unmatched_pair(call, global_ranks_[static_cast<size_t>(from)],
                            global_ranks_[static_cast<size_t>(to)],
                            describe_message(sender.sends_numel, sender.sends_dtype),
                            describe_message(receiver.expects_numel, receiver.expects_dtype));
    };
    if (auto text = check(rank_, peer, mine, theirs)) return text;
    if (auto text = check(peer, rank_, theirs, mine)) return text;
  }
  return std::nullopt;
}

std::vector<int> Headers::missing(const Call& call) const {
  std::vector<int> ranks;
  if (!kept_.empty() && kept_[static_cast<size_t>(rank_)].sequence == call.sequence) return ranks;
  for (int other = 0; other < static_cast<int>(received_.size()); ++other) {
    if (other != rank_ && received_[static_cast<size_t>(other)].sequence != call.sequence)
      ranks.push_back(other);
  }
  return ranks;
}

}  // namespace valley
