#include "valley/algorithms/d2.h"

#include "valley/algorithms/every_step_rounds.h"
#include "valley/algorithms/mixing_meeting.h"

namespace valley {
namespace {

// What is mixed is the step with the last one taken back.
class LastStepTakenBack : public AllTheWay {
 public:
  LastStepTakenBack() { keep("stepped", stepped_); }

  void prepare(int workers) override { workers_ = workers; }

  void begin(const at::Tensor& x) override {
    if (workers_ > 1) before_ = x.clone();
  }

  void after_local_step(const StepInfo&, int64_t, at::Tensor& x) override {
    if (workers_ == 1) return;
    if (stepped_.defined()) {
      before_.sub_(stepped_);  // x_t - h_{t-1}
      stepped_.copy_(x);
      x.add_(before_);
    } else {
      stepped_ = x.clone();
    }
  }

  void arrived(const StepInfo&, const at::Tensor& x) override {
    if (workers_ > 1) before_.copy_(x);
  }

 private:
  int workers_ = 1;
  at::Tensor before_;   // x_t, [d]
  at::Tensor stepped_;  // h of the last step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_d2(const D2Options& options, const AlgorithmContext& context) {
  return std::make_unique<EveryStepRounds>(
      std::make_unique<Mixing>(GraphFor(options, context.seed)),
      std::make_unique<LastStepTakenBack>());
}

}  // namespace valley
