#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace valley {

class Communicator;

/// What a worker says of itself, for the others to compare: keys and values in the order in which a
/// difference is to be told.
class Card {
 public:
  void add(std::string key, std::string value) {
    entries_.emplace_back(std::move(key), std::move(value));
  }

  bool operator==(const Card&) const = default;

  /// The value, or nothing if the card has no such key.
  std::optional<std::string> find(const std::string& key) const;

  const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

  std::string encode() const;
  /// @throws UsageError for a text that is no card: another version of valley wrote it.
  static Card decode(const std::string& code);

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// Compares the cards of all workers, by rank, with that of rank 0; an empty place is one that is
/// not known. The line that names the first key that differs, both values and both ranks:
/// "lr: 0.03 on rank 0, 0.1 on rank 2; the workers of a run must agree on it". "" if all are equal.
std::string first_difference(const std::vector<std::optional<Card>>& cards);

/// Compares the workers' cards. @throws UsageError with first_difference()'s line, on all workers.
void require_agreement(Communicator& comm, const Card& mine);

/// Tells all workers that this one cannot go on, or, with "", that it can; everyone calls it.
/// @throws UsageError, on all workers, if one cannot: its own text where it is this one's, else
/// "rank 2: ...".
void stop_together(Communicator& comm, const std::string& error);

}  // namespace valley
