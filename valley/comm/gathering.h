#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/comm/join.h"
#include "valley/comm/rendezvous.h"
#include "valley/comm/store.h"

/// Workers that come and go form groups, one after the other: numbered, each with a communicator
/// of its own. Who was in the last group and is alive is in the next one; newcomers come behind
/// them. Who starts the workers gathers them, over a store that lives with it.
namespace valley {

/// A worker of a group, by what it said when the workers gathered.
struct Gathered {
  int id = 0;        ///< tells it from all others that were ever started
  std::string word;  ///< its own
};

struct GatheredGroup {
  int64_t number = 0;             ///< 1, 2, ...
  bool enough = true;             ///< else they save what they have, and end
  bool finished = false;          ///< another has come to the end of all: so have they
  std::vector<Gathered> workers;  ///< by rank

  int rank_of(int id) const;  ///< -1: it is not in the group
  std::string encode() const;
  static GatheredGroup decode(const std::string& code);
};

/// As a worker sees it. What it calls throws CommError if the store is gone.
class Gathering {
 public:
  /// `address`: where it listens, unless it is told otherwise; "": at loopback.
  Gathering(std::shared_ptr<Store> store, int id, std::string address = "");

  /// Waits for the next group that this worker is in; it tells the others `word`.
  /// @throws CommError if a group was formed without it, because it had not answered in time.
  GatheredGroup next(const std::string& word);

  /// Whether somebody waits for another group to be formed, to be in it.
  bool called();

  /// The communicator of a group: over TCP, with what `options` say beside rank and size. A lost
  /// worker's end is known as gather() tells it. @throws as make_gloo()
  std::unique_ptr<Communicator> connect(const GatheredGroup& group, JoinOptions options);

  int rank(const GatheredGroup& group) const { return group.rank_of(id_); }

 private:
  std::shared_ptr<Store> store_;
  const int id_;
  const std::string address_;
  int64_t number_ = 0;  // of the last group it was in
};

/// That of a worker whose launcher gathers them. @throws CommError as open_tcp_store()
Gathering open_gathering(const WorkerEnvironment& environment, double timeout_seconds,
                         const std::string& token);

/// As whoever starts them sees it.
class Gatherer {
 public:
  /// Groups have at least `min` workers. Once one of a group has asked for the next, or has ended,
  /// the others have `timeout_seconds` to ask, too; where only newcomers ask, three times that.
  Gatherer(std::shared_ptr<Store> store, int min, double timeout_seconds);

  /// The first group waits until so many have started, once there is one that asks; but not longer
  /// than `timeout_seconds`.
  void expect(int workers) { expected_ = workers; }

  void started(int id) { alive_[id] = false; }
  /// `finished`: it came to the end of its work, which it says when all have.
  void ended(int id, const std::string& how, bool finished = false);

  /// Forms a group where one can be; to be called often. Returns those that have not answered in
  /// time, once: a group is formed when they have ended. When the work has come to its end those
  /// are newcomers, and members that do not end in time.
  std::vector<int> look();

  bool finished() const { return finished_.has_value(); }

  /// Of the group there is; none before the first.
  const GatheredGroup& group() const { return group_; }

 private:
  bool is_member(int id) const { return group_.rank_of(id) >= 0; }
  template <typename Condition>
  std::vector<int> tell(const Condition& condition);
  void form();

  std::shared_ptr<Store> store_;
  const int min_;
  const double timeout_;
  int expected_ = 0;
  GatheredGroup group_;
  std::map<int, bool> alive_;  // whether it was told to end
  std::map<int, std::string> words_;
  // When the group was found to be no more, newcomers called, too few were there, and one had come
  // to the end of the work.
  std::optional<double> broken_, called_, too_few_, finished_;
};

}  // namespace valley
