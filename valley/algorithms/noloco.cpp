#include "valley/algorithms/noloco.h"

#include <ATen/ops/zeros_like.h>

#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/mixing_meeting.h"
#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

// All the way to where the momentum of the pair's displacements leads.
class PairStep : public Consensus {
 public:
  PairStep(const NoLoCoOptions& options, GraphFor graph)
      : Consensus({.pull = 1, .push = 0}, PushShape::kConstant),
        rate_(options.outer_lr.value_or(0.7)),
        momentum_(options.outer_momentum.value_or(0.5)),
        graph_(std::move(graph)) {
    keep("start", start_);
    keep("momentum", delta_);
  }

  void prepare(int workers) override { graph_.prepare(workers); }

  void begin(const at::Tensor& x) override {
    start_ = x.clone();
    delta_ = at::zeros_like(x);
  }

  void learn(const StepInfo&, PendingRound& met) override {
    if (neighbourhood(graph_.matrix(met.number), rank()).send.empty()) return;  // sits out
    at::Tensor mean = met.goal().div(met.shares());
    delta_.mul_(momentum_).add_(mean.sub_(start_), rate_);
    start_.add_(delta_);
    met.center = start_;
    met.sum.reset();
  }

 private:
  double rate_, momentum_;
  GraphFor graph_;
  at::Tensor start_, delta_;  // x0 and delta, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_noloco(const NoLoCoOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  const auto pairs = [&] { return GraphFor(options, context.seed); };
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<Mixing>(pairs()),
      std::make_unique<PairStep>(options, pairs()), "none", options.optimizer_state);
}

}  // namespace valley
