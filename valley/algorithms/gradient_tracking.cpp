#include "valley/algorithms/gradient_tracking.h"

#include "valley/algorithms/tracking.h"

namespace valley {
namespace {

class GradientTracking : public Tracking {
 public:
  GradientTracking(const GradientTrackingOptions& options, const AlgorithmContext& context)
      : Tracking(options.mixing, /*beta=*/0), graph_(options, context.seed) {}

  void prepare(int workers) override { graph_.prepare(workers); }

 private:
  MixingMatrix weights_of_x(int64_t t) override { return graph_.matrix(t); }
  MixingMatrix weights_of_y(int64_t t) override { return graph_.matrix(t); }

  GraphFor graph_;
};

}  // namespace

std::unique_ptr<Algorithm> make_gradient_tracking(const GradientTrackingOptions& options,
                                                  const AlgorithmContext& context) {
  return std::make_unique<GradientTracking>(options, context);
}

}  // namespace valley
