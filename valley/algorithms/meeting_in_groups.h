#pragma once

#include <memory>
#include <vector>

#include "valley/algorithms/hierarchy.h"
#include "valley/algorithms/round_parts.h"

namespace valley {

/// What kind of round was begun last: the meeting says, the rule asks.
struct HierarchyLevel {
  bool outer = true;
};

/// The meetings of a hierarchy (hierarchy.h): of all workers, or within the group of this one,
/// which is found where a membership begins.
///
/// Cost: that of the one or the other. State: that of both, and which one was last.
class MeetingInGroups : public Meeting {
 public:
  /// Of slices that `fragments` of are met in a period.
  MeetingInGroups(const Hierarchy& hierarchy, int64_t fragments, std::unique_ptr<Meeting> within,
                  std::unique_ptr<Meeting> of_all, std::shared_ptr<HierarchyLevel> level);

  void prepare(int workers) override;
  void gather(Communicator& comm) override;
  void begin(const at::Tensor& x) override;
  void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override;
  void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) override;
  void append_to(AlgorithmState& state) const override;
  void load(const AlgorithmState& state) override;

  PendingRound meet(Communicator& comm, const at::Tensor& x, int64_t round) override;
  void start(Communicator& comm, const at::Tensor& x, int64_t round) override;
  PendingRound finish() override { return meeting().finish(); }
  std::vector<at::Tensor> moved_along() override { return meeting().moved_along(); }
  void applied(const PendingRound& met, const RoundReport& report) override {
    meeting().applied(met, report);
  }
  bool of_all() const override { return level_->outer && of_all_->of_all(); }

 private:
  Meeting& meeting() const { return level_->outer ? *of_all_ : *within_; }
  Meeting& meeting_of(int64_t round);
  Communicator& among(Communicator& comm) const { return level_->outer ? comm : *group_; }

  Hierarchy hierarchy_;
  int64_t fragments_;
  std::unique_ptr<Meeting> within_, of_all_;
  std::shared_ptr<HierarchyLevel> level_;
  std::unique_ptr<Communicator> group_;
};

}  // namespace valley
