#include "valley/comm/agreement.h"

#include <algorithm>

#include "valley/comm/communicator.h"
#include "valley/core/error.h"
#include "valley/core/numbers.h"

namespace valley {
namespace {

// "5 hello": any bytes, and no escapes.
std::string counted(const std::string& text) { return fmt::format("{} {}", text.size(), text); }

std::string read_counted(const std::string& code, size_t& at) {
  const size_t space = code.find(' ', at);
  const auto size = parse_number<size_t>(code.substr(at, space - at));
  require(space != std::string::npos && size && *size < code.size() - space,
          "a worker's card cannot be read: it runs another version of valley");
  at = space + 1 + *size;
  return code.substr(space + 1, *size);
}

std::string tell(const std::string& key, const std::optional<std::string>& zero,
                 const std::optional<std::string>& other, size_t rank) {
  return fmt::format("{}: {} on rank 0, {} on rank {}; the workers of a run must agree on it", key,
                     zero.value_or("none"), other.value_or("none"), rank);
}

}  // namespace

std::optional<std::string> Card::find(const std::string& key) const {
  for (const auto& [k, value] : entries_)
    if (k == key) return value;
  return std::nullopt;
}

std::string Card::encode() const {
  std::string code;
  for (const auto& [key, value] : entries_) code += counted(key) + counted(value);
  return code;
}

Card Card::decode(const std::string& code) {
  Card card;
  for (size_t at = 0; at < code.size();) {
    std::string key = read_counted(code, at);
    card.add(std::move(key), read_counted(code, at));
  }
  return card;
}

std::string first_difference(const std::vector<std::optional<Card>>& cards) {
  if (cards.empty() || !cards[0]) return "";
  std::vector<size_t> others;  // those that differ
  for (size_t rank = 1; rank < cards.size(); ++rank)
    if (cards[rank] && cards[rank] != cards[0]) others.push_back(rank);
  if (others.empty()) return "";
  for (const auto& [key, value] : cards[0]->entries()) {
    for (const size_t rank : others) {
      const auto theirs = cards[rank]->find(key);
      if (theirs != value) return tell(key, value, theirs, rank);
    }
  }
  for (const size_t rank : others) {
    for (const auto& [key, value] : cards[rank]->entries())
      if (!cards[0]->find(key)) return tell(key, std::nullopt, value, rank);
  }
  return fmt::format(
      "rank {} lists its settings in another order: it runs another version of "
      "valley",
      others.front());
}

void require_agreement(Communicator& comm, const Card& mine) {
  std::vector<std::optional<Card>> cards;
  for (const std::string& code : comm.all_gather_text(mine.encode()))
    cards.push_back(Card::decode(code));
  const std::string difference = first_difference(cards);
  if (!difference.empty()) throw UsageError(difference);
}

void stop_together(Communicator& comm, const std::string& error) {
  const std::vector<std::string> errors = comm.all_gather_text(error);
  if (!error.empty()) throw UsageError(error);
  for (size_t rank = 0; rank < errors.size(); ++rank)
    if (!errors[rank].empty()) throw UsageError(fmt::format("rank {}: {}", rank, errors[rank]));
}

}  // namespace valley
