#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "valley/algorithms/algorithm.h"
#include "valley/algorithms/state.h"
#include "valley/comm/communicator.h"
#include "valley/comm/squared_norms.h"

/// What a round is made of: a meeting says what is sent and with whom, a rule what becomes of it.
namespace valley {

/// A round that is begun and not applied yet: what the workers have learned of each other.
struct PendingRound {
  at::Tensor sum = {};  ///< sum_m x_m [d] as they met; undefined where nobody asked. The rule may
                        ///< overwrite it, and the next meeting does
  at::Tensor center = {};  ///< what the workers are drawn to [d]; undefined: their mean
  int workers = 1;
  std::optional<SquaredNorms> norms =
      {};                         ///< of x against the mean, where x still stands as it was sent
  Communicator* again = nullptr;  ///< for a rule that must ask the workers once more
};

/// What a meeting and a rule have in common: they remember, and a checkpoint holds it.
class RoundPart {
 public:
  virtual ~RoundPart() = default;

  /// As Algorithm::prepare().
  virtual void prepare(int workers) { (void)workers; }

  /// A membership begins, all workers at x: what is remembered from here.
  virtual void begin(const at::Tensor& x) { (void)x; }

  /// After every local step, before the round if one is due. `period` is that in force.
  virtual void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) {
    (void)info, (void)period, (void)x;
  }

  virtual void append_to(AlgorithmState& state) const { kept_.append_to(state); }
  virtual void load(const AlgorithmState& state) { kept_.load(state); }
  void forget() { kept_.forget(); }

 protected:
  /// x, a member, is in the checkpoint under `name`; undefined until it is needed, and again when
  /// a membership begins.
  void keep(std::string name, at::Tensor& x) { kept_.add(std::move(name), x); }

 private:
  KeptVectors kept_;
};

class Meeting : public RoundPart {
 public:
  /// All workers together; x [d] is only read.
  virtual PendingRound meet(Communicator& comm, const at::Tensor& x) = 0;

  /// The same meeting of vectors that every worker has, worker m's in row m of `all` [M, d]. What
  /// else it needs to know of the workers it still asks them for.
  virtual PendingRound among(Communicator& comm, const at::Tensor& all) = 0;
};

class Rule : public RoundPart {
 public:
  /// Once a round and the same on all workers: what the rule remembers from it.
  virtual void learn(const StepInfo& info, const PendingRound& met) { (void)info, (void)met; }

  /// Moves x [d]: a worker that stands there. Talks to nobody but in a rule that says so.
  virtual RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) = 0;
};

/// The mean of all, and how far a worker is from it: one all-reduce of d values, the norms taken
/// while the sum is in cache.
class MeanOfAll : public Meeting {
 public:
  PendingRound meet(Communicator& comm, const at::Tensor& x) override;
  PendingRound among(Communicator& comm, const at::Tensor& all) override;

 private:
  at::Tensor sum_;  // [d], kept between rounds so that its pages stay mapped
};

/// sum <- the sum over the rows of `all` [M, d], in their order.
void sum_rows(const at::Tensor& all, at::Tensor& sum);

}  // namespace valley
