#include "valley/algorithms/diloco.h"

#include "valley/algorithms/outer_step.h"
#include "valley/algorithms/rounds.h"
#include "valley/algorithms/wire_mean.h"

namespace valley {
namespace {

class DiLoCo : public OuterStep {
 public:
  explicit DiLoCo(const DiLoCoOptions& options)
      : outer_{.learning_rate = options.outer_lr.value_or(0.7),
               .momentum = options.outer_momentum.value_or(0.9)} {}

 private:
  void outer_step(const StepInfo&, const at::Tensor& start, at::Tensor& v, at::Tensor& x) override {
    if (outer_.does_nothing()) return;
    at::Tensor step = start.sub(x);
    v.mul_(outer_.momentum).add_(step);
    step.add_(v, outer_.momentum);
    x.copy_(start).sub_(step, outer_.learning_rate);
  }

  OuterOptions outer_;
};

}  // namespace

std::unique_ptr<Algorithm> make_diloco(const DiLoCoOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return make_rounds(options, context, [options](const AlgorithmContext&) {
    return Round(make_mean(options.wire), std::make_unique<DiLoCo>(options));
  });
}

}  // namespace valley
