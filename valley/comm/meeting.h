#pragma once

#include <string>
#include <vector>

#include "valley/comm/agreement.h"
#include "valley/comm/join.h"
#include "valley/comm/store.h"

namespace valley {

/// Rank, size and timeout. @throws UsageError
void require_valid(const JoinOptions& options);

/// What the workers of a group of that size compare when they join: the version of Valley, their
/// number, and `card`.
Card card_at_the_door(const Card& card, int size);

/// "ranks 0, 2 did not join within 0.3 s".
std::string did_not_join(const std::vector<int>& ranks, double seconds);

/// Where a worker listens.
struct Place {
  std::string address;    ///< numeric
  std::string interface;  ///< "" if nobody knows

  bool operator==(const Place&) const = default;
  std::string encode() const;
  static Place decode(const std::string& code);
};

/// What a worker says of itself when it joins a group.
struct Newcomer {
  int rank = 0;
  int size = 1;
  std::string address;     ///< where it would listen
  std::string job;         ///< what tells its job from others; "" if nobody knows
  std::string token = {};  ///< that of the job; "": it has none
  Card card;               ///< what all must agree on
  std::string where;       ///< the place of the store, for errors: "10.0.0.1:29500"
};

/// Meets the others of the group over the store: rank 0 waits for all, compares their cards and
/// tells each who came. Returns their addresses by rank, the same on every worker.
///
/// Who belongs to another job, has another token, or a rank that is taken, is sent away by itself;
/// the group does not notice.
///
/// @throws CommError naming the ranks that did not join within the timeout; UsageError, on all
/// workers, if their sizes or cards differ, see first_difference(), or if some listen at IPv4 and
/// others at IPv6; UsageError on a stranger alone.
std::vector<std::string> meet(Store& store, const Newcomer& me, double timeout_seconds);

/// 16 hexadecimal digits by chance, not from any seed.
std::string fresh_token();

/// `own`, or if this is loopback while others of `all` are elsewhere, the address of this machine
/// on the way to them: the master's name leads its own machine to 127.0.1.1 on a stock Debian.
std::string reachable_by_all(const std::string& own, const std::vector<std::string>& all);

}  // namespace valley
