#include "valley/algorithms/choco.h"

#include "valley/algorithms/compressed_mixing.h"
#include "valley/algorithms/every_step_rounds.h"

namespace valley {
namespace {

// A share of the way from where the others take this worker to stand to what it is drawn to.
class ConsensusStep : public Rule {
 public:
  explicit ConsensusStep(double gamma) : gamma_(gamma) {}

  RoundReport move(const StepInfo&, PendingRound& met, at::Tensor& x) override {
    if (met.workers > 1) x.add_(met.center, gamma_).sub_(met.sent, gamma_);
    return {};
  }

 private:
  double gamma_;
};

}  // namespace

std::unique_ptr<Algorithm> make_choco(const ChocoOptions& options,
                                      const AlgorithmContext& context) {
  check_ranges(options);
  using Start = CompressedMixing::Start;
  return std::make_unique<EveryStepRounds>(
      std::make_unique<CompressedMixing>(
          GraphFor(options, context.seed), options.compress,
          options.replicas == Replicas::kZero ? Start::kZero : Start::kTogether, context.seed),
      std::make_unique<ConsensusStep>(options.consensus_step));
}

}  // namespace valley
