#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/pending_round.h"
#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"

/// What a round is made of: a meeting says what is sent and with whom, a rule what becomes of it.
namespace valley {

/// What a meeting and a rule have in common: they remember, and a checkpoint holds it.
class RoundPart {
 public:
  virtual ~RoundPart() = default;

  /// As Algorithm::prepare().
  virtual void prepare(int workers) { (void)workers; }

  /// A membership begins, before begin(): for a part that has workers of its own to meet.
  virtual void gather(Communicator& comm) { (void)comm; }

  /// A membership begins, all workers at x: what is remembered from here.
  virtual void begin(const at::Tensor& x) { (void)x; }

  /// This worker, from the beginning of a membership on.
  int rank() const { return rank_; }
  void set_rank(int rank) { rank_ = rank; }

  /// As Algorithm::on_gradient().
  virtual void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
    (void)info, (void)x, (void)g;
  }

  /// After every local step, before the round if one is due. `period` is that in force.
  virtual void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) {
    (void)info, (void)period, (void)x;
  }

  virtual void append_to(AlgorithmState& state) const { kept_.append_to(state); }
  virtual void load(const AlgorithmState& state) { kept_.load(state); }

  /// As Algorithm::regroup(), after load().
  virtual bool regroup() { return false; }
  void forget() { kept_.forget(); }

 protected:
  /// x, a member, is in the checkpoint under `name`; undefined until it is needed, and again when
  /// a membership begins.
  void keep(std::string name, at::Tensor& x) { kept_.add(std::move(name), x); }

 private:
  int rank_ = 0;
  KeptVectors kept_;
};

/// `round` is the number of the round, by which workers whose topology changes know their
/// neighbours.
class Meeting : public RoundPart {
 public:
  /// All workers together; x [d] is only read.
  virtual PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) = 0;

  /// The same in two parts, between which x moves and what is sent may travel; it is a copy, `sent`
  /// of what finish() gives. A meeting that cannot takes place at the start.
  virtual void start(Communicator& comm, const at::Tensor& x, int64_t round);
  virtual PendingRound finish() { return std::move(started_); }

  /// meet(), and x moved at once by a rule that only pulls: `weight`, asked once on each worker of
  /// what the workers have learned, says how far to the mean. False, and nobody has met: this
  /// meeting cannot, which is so on all workers.
  using WeightOfRound = std::function<double(PendingRound& met)>;
  virtual bool meet_and_pull(Communicator& comm, at::Tensor& x, int64_t round,
                             const WeightOfRound& weight) {
    (void)comm, (void)x, (void)round, (void)weight;
    return false;
  }

  /// Vectors [d] of the meeting that the rule moves when it has moved this worker, as it would a
  /// worker that stands there.
  virtual std::vector<at::Tensor> moved_along() { return {}; }

  /// When this worker has moved by it, as the rule reports: what the meeting remembers of that.
  virtual void applied(const PendingRound& met, const RoundReport& report) {
    (void)met, (void)report;
  }

  /// The same meeting of vectors that every worker has, worker m's in row m of `all` [M, d]. What
  /// else it needs to know of the workers it still asks them for.
  /// @throws std::logic_error by default: of a meeting whose rounds are never compressed.
  virtual PendingRound among(Communicator& comm, const at::Tensor& all, int64_t round);

  /// Whether the workers need no further average at the end of a run, had they just met.
  virtual bool of_all() const { return true; }

 private:
  PendingRound started_;
};

/// A move that goes some of the way to the mean: x <- x + weight (x_A - x), to the bit as
/// lerp_to_mean() does.
struct Pull {
  double weight = 0;
  RoundReport report;
};

class Rule : public RoundPart {
 public:
  /// As Algorithm::local_step(), of all of x: no rule of slices changes it.
  virtual void local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                          const std::function<void()>& optimizer) {
    (void)info, (void)x, (void)g;
    optimizer();
  }

  /// When they begin to meet: what the rule must know of this step.
  virtual void meets(const StepInfo& info) { (void)info; }

  /// When the workers have met, once a round and the same on all of them: what the rule remembers
  /// from it, and what it adds to it.
  virtual void learn(const StepInfo& info, PendingRound& met) { (void)info, (void)met; }

  /// Moves x [d]: a worker that stands there. The rule remembers nothing of it. Talks to nobody but
  /// in a rule that says so.
  virtual RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) = 0;

  /// Whether every move() is a pull and no more, and learn() needs no sum.
  virtual bool only_pulls() const { return false; }

  /// Where only_pulls(): that of move(). `met` has norms and no sum, x is of that dtype.
  virtual Pull pull(const StepInfo& info, const PendingRound& met, at::ScalarType dtype) const {
    (void)info, (void)met, (void)dtype;
    return {};
  }

  /// When this worker has moved, to x [d]: what the rule remembers of that.
  virtual void arrived(const StepInfo& info, const at::Tensor& x) { (void)info, (void)x; }
};

/// The mean of all, and how far a worker is from it: one all-reduce of d values, the norms taken
/// while the sum is in cache; in two parts a started one, without the norms.
class MeanOfAll : public Meeting {
 public:
  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override;
  bool meet_and_pull(Communicator& comm, at::Tensor& x, int64_t round,
                     const WeightOfRound& weight) override;
  PendingRound among(Communicator& comm, const at::Tensor& all, int64_t round) override;

 private:
  void make_room(const at::Tensor& x);

  at::Tensor sum_, sent_;         // [d], kept between rounds so that their pages stay mapped
  Communicator* comm_ = nullptr;  // while it is under way
  std::unique_ptr<Work> work_;
};

/// sum <- the sum over the rows of `all` [M, d], in their order.
void sum_rows(const at::Tensor& all, at::Tensor& sum);

}  // namespace valley
