#include "valley/algorithms/dsgd_ac.h"

#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/fading.h"
#include "valley/algorithms/mixing_meeting.h"

namespace valley {
namespace {

// The share gamma of the way from where the worker stood to where it is drawn to.
class FadingMixing : public Rule {
 public:
  explicit FadingMixing(Fading gamma) : gamma_(std::move(gamma)) {}

  RoundReport move(const StepInfo& info, PendingRound& met, at::Tensor& x) override {
    if (met.workers == 1) return {};
    at::Tensor way = met.center.defined() ? met.center : met.sum.div_(met.workers);
    x.add_(way.sub_(met.sent), gamma_.at(info.step));
    return {};
  }

 private:
  Fading gamma_;
};

}  // namespace

std::unique_ptr<Algorithm> make_dsgd_ac(const DsgdAcOptions& options,
                                        const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<EveryStepRounds>(
      std::make_unique<Mixing>(GraphFor(options, context.seed)),
      std::make_unique<FadingMixing>(Fading(options.fade.value_or(3), options.fade_to, context)),
      MixingOrder::kAwc);
}

}  // namespace valley
