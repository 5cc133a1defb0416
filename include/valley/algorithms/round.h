#pragma once

#include <array>
#include <memory>
#include <utility>

#include "valley/algorithms/round_parts.h"

namespace valley {

/// What a round of a method is: a meeting x a rule, whoever says when.
class Round {
 public:
  Round(std::unique_ptr<Meeting> meeting, std::unique_ptr<Rule> rule)
      : meeting_(std::move(meeting)), rule_(std::move(rule)) {}

  /// Both, into the hands of another round.
  std::pair<std::unique_ptr<Meeting>, std::unique_ptr<Rule>> parts_taken() && {
    return {std::move(meeting_), std::move(rule_)};
  }

  Meeting& meeting() const { return *meeting_; }
  Rule& rule() const { return *rule_; }

  /// Both, one after the other; see RoundPart.
  void prepare(int workers) {
    for (RoundPart* part : parts()) part->prepare(workers);
  }
  void begin(const at::Tensor& x, Communicator& comm) {
    for (RoundPart* part : parts()) {
      part->forget();
      part->set_rank(comm.rank());
      part->gather(comm);
      part->begin(x);
    }
  }
  void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) {
    for (RoundPart* part : parts()) part->on_gradient(info, x, g);
  }
  void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) {
    for (RoundPart* part : parts()) part->after_local_step(info, period, x);
  }
  void append_to(AlgorithmState& state) const {
    for (const RoundPart* part : parts()) part->append_to(state);
  }
  void load(const AlgorithmState& state) {
    for (RoundPart* part : parts()) part->load(state);
  }
  bool regroup() {
    bool anew = false;
    for (RoundPart* part : parts()) anew = part->regroup() || anew;
    return anew;
  }

 private:
  std::array<RoundPart*, 2> parts() const { return {meeting_.get(), rule_.get()}; }

  std::unique_ptr<Meeting> meeting_;
  std::unique_ptr<Rule> rule_;
};

}  // namespace valley
