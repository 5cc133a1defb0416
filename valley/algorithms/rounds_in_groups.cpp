// The rounds of a hierarchy: the method's own among all workers, pull and push within a group.
#include <utility>

#include "valley/algorithms/meeting_in_groups.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {
namespace {

class RuleInGroups : public Rule {
 public:
  RuleInGroups(std::unique_ptr<Rule> within, std::unique_ptr<Rule> of_all,
               std::shared_ptr<const HierarchyLevel> level, int64_t period)
      : within_(std::move(within)),
        of_all_(std::move(of_all)),
        level_(std::move(level)),
        period_(period) {}

  void prepare(int workers) override { of_all_->prepare(workers); }
  void gather(Communicator& comm) override {
    of_all_->forget();
    of_all_->set_rank(comm.rank());
  }
  void begin(const at::Tensor& x) override { of_all_->begin(x); }
  void on_gradient(const StepInfo& info, at::Tensor& x, at::Tensor& g) override {
    of_all_->on_gradient(info, x, g);
  }
  void after_local_step(const StepInfo& info, int64_t, at::Tensor& x) override {
    of_all_->after_local_step(info, period_, x);
  }
  void append_to(AlgorithmState& state) const override { of_all_->append_to(state); }
  void load(const AlgorithmState& state) override { of_all_->load(state); }

  void local_step(const StepInfo& info, at::Tensor& x, at::Tensor& g,
                  const std::function<void()>& optimizer) override {
    of_all_->local_step(info, x, g, optimizer);
  }
  void meets(const StepInfo& info) override { of_all_->meets(info); }
  void learn(const StepInfo& info, PendingRound& met) override { rule().learn(info, met); }
  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override {
    RoundReport report = rule().move(info, met, x);
    report.figures.emplace_back("outer", level_->outer);
    return report;
  }
  void arrived(const StepInfo& info, const at::Tensor& x) override { rule().arrived(info, x); }

 private:
  Rule& rule() const { return level_->outer ? *of_all_ : *within_; }

  std::unique_ptr<Rule> within_, of_all_;
  std::shared_ptr<const HierarchyLevel> level_;
  int64_t period_;
};

}  // namespace

RoundMaker in_groups(const Hierarchy& h, int64_t fragments, RoundMaker make) {
  if (!h.on()) return make;
  return [h, fragments, make = std::move(make)](const AlgorithmContext& context) {
    auto [meeting, rule] = make(context).parts_taken();
    const auto level = std::make_shared<HierarchyLevel>();
    auto within =
        std::make_unique<PullPushRule>(PullPushOptions{.pull = h.inner_pull, .push = h.inner_push});
    return Round(
        std::make_unique<MeetingInGroups>(h, fragments, make_mean(h.inner_wire, context),
                                          std::move(meeting), level),
        std::make_unique<RuleInGroups>(std::move(within), std::move(rule), level, h.periods.outer));
  };
}

}  // namespace valley
