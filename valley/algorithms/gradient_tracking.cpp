#include "valley/algorithms/gradient_tracking.h"

#include "valley/algorithms/tracking.h"

namespace valley {
namespace {

class GradientTracking : public Tracking {
 public:
  GradientTracking(const AlgorithmOptions& options, const AlgorithmContext& context)
      : Tracking(context, options.mixing, /*beta=*/0, "gradient-tracking"),
        graph_(options, context.comm.size(), context.seed, "gradient-tracking",
               Graph::Weights::kDoublyStochastic) {}

 private:
  MixingMatrix weights_of_x(int64_t t) override { return graph_.matrix(t); }
  MixingMatrix weights_of_y(int64_t t) override { return graph_.matrix(t); }

  Graph graph_;
};

}  // namespace

std::unique_ptr<Algorithm> make_gradient_tracking(const AlgorithmOptions& options,
                                                  const AlgorithmContext& context) {
  return std::make_unique<GradientTracking>(options, context);
}

}  // namespace valley
