#include "valley/algorithms/dppf.h"

#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

class Dppf : public RoundsAlgorithm {
 public:
  Dppf(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        schedule_(options.push_schedule),
        pull_push_(options.pull_push) {}

 private:
  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    return pull_push_.round(x, comm(), push_factor(schedule_, info.progress()));
  }

  PushShape schedule_;
  PullPush pull_push_;
};

}  // namespace

std::unique_ptr<Algorithm> make_dppf(const AlgorithmOptions& options,
                                     const AlgorithmContext& context) {
  return std::make_unique<Dppf>(options, context);
}

}  // namespace valley
