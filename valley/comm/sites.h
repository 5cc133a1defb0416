#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "valley/comm/gathering.h"
#include "valley/comm/store.h"

/// Launchers of one job on several machines, of which each starts and kills its own workers. The
/// first has the store and gathers the workers of all (gathering.h). The others, its sites, say
/// there whom they have started and who has ended, and hear whom they are to kill. A site that says
/// nothing for a while counts as lost with all its workers: it hears that, should it come back, and
/// ends.
namespace valley {

/// A number that no worker of the job had before.
int claim_worker(Store& store);

/// As another launcher than the first sees it. What it calls throws CommError if the store is gone.
class Site {
 public:
  /// Of that number, 1, 2, ...; one that was there before under it counts as lost.
  Site(std::shared_ptr<Store> store, int number);

  void started(int id);
  void ended(int id, const std::string& how, bool finished);

  /// Says that it lives; to be called often. Returns the workers that are to be killed.
  std::vector<int> look();

  bool lost() const { return lost_; }  ///< the others go on without it
  bool over() const { return over_; }  ///< the work has come to its end

 private:
  void say(const std::string& word);

  std::shared_ptr<Store> store_;
  int64_t said_ = 0, heard_ = 0, beats_ = 0;
  double last_look_ = 0;
  bool lost_ = false, over_ = false;
};

/// The same as the first launcher sees it.
class Sites {
 public:
  /// Numbers 1 to count - 1. Each may be silent for `timeout_seconds`.
  Sites(std::shared_ptr<Store> store, int count, double timeout_seconds);

  /// What they have said since the last time; to be called often. Returns a line for each that is
  /// lost.
  std::vector<std::string> look(Gatherer& gatherer);

  void kill(int id);
  bool has(int id) const { return workers_.contains(id); }
  bool any() const { return !workers_.empty(); }

  /// Tells all that the work is over.
  void over();

 private:
  struct Seen {
    int64_t incarnation = 0;  // 0: it has not come
    int64_t heard = 0, told = 0;
    std::string beat = {};
    double last_beat = 0;
    bool lost = false;
  };
  void tell(int number, const std::string& word);
  void lose(int number, Gatherer& gatherer);
  void hear(int number, Gatherer& gatherer);

  std::shared_ptr<Store> store_;
  const double timeout_;
  std::vector<Seen> seen_;      // by number; of the first nothing
  std::map<int, int> workers_;  // that run: their site, by id
  double last_look_ = 0;
  bool over_ = false;
};

}  // namespace valley
