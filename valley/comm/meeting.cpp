#include "valley/comm/meeting.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <sstream>
#include <thread>

#include "valley/comm/address.h"
#include "valley/comm/mac.h"
#include "valley/comm/ranks.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/version.h"

namespace valley {
namespace {

constexpr const char* kVersionKey = "version of valley";
constexpr const char* kWorkers = "workers";
constexpr double kReasonSeconds = 5;  // until the others have read why nothing comes of it

// What rank 0 left in the store is of a form that is not known here.
void require_readable(bool condition) {
  require(condition, "what rank 0 says cannot be read: it runs another version of valley");
}

// What rank 0 tells the others: that all have come, or why they go home.
struct Verdict {
  enum Kind { kWelcome, kUsage, kComm };
  Kind kind = kWelcome;
  std::string text;  // kWelcome: the addresses by rank, one a line; else the error

  std::string encode() const { return std::to_string(static_cast<int>(kind)) + text; }
  static Verdict decode(const std::string& code) {
    require_readable(!code.empty() && '0' <= code[0] && code[0] <= '0' + kComm);
    return {static_cast<Kind>(code[0] - '0'), code.substr(1)};
  }

  void throw_if_bad() const {
    if (kind == kUsage) throw UsageError(text);
    if (kind == kComm) throw CommError(text);
  }
};

// What a worker leaves under its rank.
struct Arrival {
  std::string token;  // tells it from another worker that claims the same rank
  std::string address;
  Card card;

  std::string encode() const { return fmt::format("{} {} {}", token, address, card.encode()); }
  static Arrival decode(const std::string& code) {
    const size_t first = code.find(' '), second = code.find(' ', first + 1);
    return {code.substr(0, first), code.substr(first + 1, second - first - 1),
            Card::decode(code.substr(second + 1))};
  }
};

std::string key(const char* prefix, int rank) { return prefix + std::to_string(rank); }

// IPv4 and IPv6 do not meet. "" or the line that says so.
std::string mixed_families(const std::vector<std::string>& addresses) {
  std::vector<int> ranks[2];
  for (size_t rank = 0; rank < addresses.size(); ++rank) {
    // Loopback will do as the others do, see reachable_by_all().
    if (!is_loopback(addresses[rank]))
      ranks[is_ipv6(addresses[rank])].push_back(static_cast<int>(rank));
  }
  if (ranks[0].empty() || ranks[1].empty()) return "";
  const auto one = [&](int family) {
    const auto rank = static_cast<size_t>(ranks[family].front());
    return fmt::format("{} {} at IPv{} ({})", name_ranks(ranks[family]),
                       ranks[family].size() == 1 ? "listens" : "listen", family == 0 ? 4 : 6,
                       addresses[rank]);
  };
  return fmt::format("{}, {}; give an address instead of a name as MASTER_ADDR", one(0), one(1));
}

std::string describe_job(const std::string& job) {
  return job.empty() ? "a job without a name" : fmt::format("job {}", job);
}

// Rank 0 names the job; the others see whether it is theirs.
void require_own_job(Store& store, const Newcomer& me, double timeout_seconds) {
  const double start = now_seconds();
  const std::string proof = me.token.empty() ? "" : hexadecimal(mac(me.token, {"job", me.job}));
  if (me.rank == 0) {
    store.set_if_absent("job", fmt::format("{}.{}", me.job, proof));  // never empty: that is none
  } else if (!store.wait("job", timeout_seconds)) {
    std::vector<int> missing = wait_for_ranks(store, "join/", me.size, 0);
    std::erase(missing, me.rank);
    throw CommError(did_not_join(missing, now_seconds() - start));
  }
  const std::string code = store.get("job").value();
  const size_t dot = code.rfind('.');
  require_readable(dot != std::string::npos);
  const std::string theirs = code.substr(0, dot), their_proof = code.substr(dot + 1);
  require(theirs == me.job,
          "rank {} of {} met the workers of {} at {}; give every job a MASTER_PORT of its own",
          me.rank, describe_job(me.job), describe_job(theirs), me.where);
  require(!proof.empty() || their_proof.empty(),
          "the workers at {} ask for a token, and rank {} has none: {} FILE, or VALLEY_TOKEN",
          me.where, me.rank, Key{"token-file"});
  require(proof.empty() || !their_proof.empty(),
          "rank {} has a token, and the workers at {} have none", me.rank, me.where);
  require(same(proof, their_proof), "rank {} has another token than the workers at {}", me.rank,
          me.where);
}

// Takes the place of this rank, which can be had once.
void take_place(Store& store, const Newcomer& me) {
  const Arrival arrival{fresh_token(), me.address, card_at_the_door(me.card, me.size)};
  const std::string mine = arrival.encode();
  const std::string first = store.set_if_absent(key("join/", me.rank), mine);
  require(first == mine,
          "rank {} has joined at {} already, from {}: it was started twice, or two jobs meet "
          "there; give every job a MASTER_PORT of its own",
          me.rank, me.where, Arrival::decode(first).address);
}

Verdict judge(Store& store, const Newcomer& me, double timeout_seconds) {
  const double start = now_seconds();
  std::vector<std::optional<Card>> cards(static_cast<size_t>(me.size));
  std::vector<std::string> addresses(static_cast<size_t>(me.size));
  auto pause = std::chrono::milliseconds(1);
  while (true) {
    std::vector<int> missing;
    for (int rank = 0; rank < me.size; ++rank) {
      const auto r = static_cast<size_t>(rank);
      if (cards[r]) continue;
      const auto joined = store.get(key("join/", rank));
      if (!joined) {
        missing.push_back(rank);
        continue;
      }
      const Arrival arrival = Arrival::decode(*joined);
      addresses[r] = arrival.address;
      cards[r] = arrival.card;
      // Whoever counts other workers would be waited for in vain.
      if (arrival.card.find(kWorkers) != std::to_string(me.size))
        return {Verdict::kUsage, first_difference(cards)};
    }
    const bool late = now_seconds() - start >= timeout_seconds;
    if (missing.empty() || late) {
      if (auto text = first_difference(cards); !text.empty()) return {Verdict::kUsage, text};
    }
    if (missing.empty()) break;
    if (late) return {Verdict::kComm, did_not_join(missing, now_seconds() - start)};
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::milliseconds(20));
  }
  if (auto text = mixed_families(addresses); !text.empty()) return {Verdict::kUsage, text};
  std::string all;
  for (const std::string& address : addresses) all += address + "\n";
  return {Verdict::kWelcome, all};
}

// Rank 0 may host the store: it stays until those who joined have read the verdict.
void linger(Store& store, const Newcomer& me, double seconds) {
  const double deadline = now_seconds() + seconds;
  for (int rank = 1; rank < me.size; ++rank) {
    if (!store.get(key("join/", rank))) continue;
    store.wait(key("told/", rank), std::max(0.0, deadline - now_seconds()));
  }
}

Verdict hear(Store& store, const Newcomer& me, double timeout_seconds) {
  const double start = now_seconds();
  if (store.wait("verdict", timeout_seconds)) {
    const Verdict verdict = Verdict::decode(store.get("verdict").value());
    if (verdict.kind != Verdict::kWelcome) store.set(key("told/", me.rank), "");
    return verdict;
  }
  std::vector<int> missing = wait_for_ranks(store, "join/", me.size, 0);
  if (missing.empty()) missing = {0};
  return {Verdict::kComm, did_not_join(missing, now_seconds() - start)};
}

}  // namespace

std::string Place::encode() const { return address + " " + interface; }

Place Place::decode(const std::string& code) {
  const size_t space = std::min(code.find(' '), code.size());
  return {code.substr(0, space), space < code.size() ? code.substr(space + 1) : ""};
}

void require_valid(const JoinOptions& options) {
  require(options.size >= 1, "size must be at least 1, got {}", options.size);
  require(0 <= options.rank && options.rank < options.size, "rank must be in [0, {}), got {}",
          options.size, options.rank);
  require(options.timeout_seconds > 0, "the timeout must be > 0 seconds, got {}",
          options.timeout_seconds);
}

Card card_at_the_door(const Card& card, int size) {
  Card whole;
  whole.add(kVersionKey, kVersion);
  whole.add(kWorkers, std::to_string(size));
  for (const auto& [key, value] : card.entries())
    if (key != kWorkers) whole.add(key, value);
  return whole;
}

std::string did_not_join(const std::vector<int>& ranks, double seconds) {
  return fmt::format("{} did not join within {:.1f} s", name_ranks(ranks), seconds);
}

std::string fresh_token() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

std::vector<std::string> meet(Store& store, const Newcomer& me, double timeout_seconds) {
  const double start = now_seconds();
  require_own_job(store, me, timeout_seconds);
  take_place(store, me);
  timeout_seconds = std::max(0.0, timeout_seconds - (now_seconds() - start));
  Verdict verdict;
  if (me.rank == 0) {
    verdict = judge(store, me, timeout_seconds);
    store.set("verdict", verdict.encode());
    if (verdict.kind != Verdict::kWelcome)
      linger(store, me, std::min(kReasonSeconds, timeout_seconds));
  } else {
    verdict = hear(store, me, timeout_seconds);
  }
  verdict.throw_if_bad();
  std::istringstream lines(verdict.text);
  std::vector<std::string> addresses;
  for (std::string line; std::getline(lines, line);) addresses.push_back(line);
  require_readable(addresses.size() == static_cast<size_t>(me.size));
  return addresses;
}

std::string reachable_by_all(const std::string& own, const std::vector<std::string>& all) {
  if (!is_loopback(own)) return own;
  for (const std::string& other : all) {
    if (is_loopback(other)) continue;
    const Route route = find_route(other);
    if (route.reached()) return route.local;
  }
  return own;
}

}  // namespace valley
