#include "valley/algorithms/d2.h"

#include <ATen/ops/empty_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/mixing.h"
#include "valley/core/error.h"
#include "valley/topology/spectrum.h"

namespace valley {
namespace {

class D2 : public EveryStepAlgorithm {
 public:
  D2(const AlgorithmOptions& options, const AlgorithmContext& context)
      : graph_(options, context.seed, "d2", Graph::Weights::kDoublyStochastic) {
    keep("stepped", stepped_);
  }

  void prepare(int workers) override {
    graph_.prepare(workers);
    require(graph_.topology().cycle() == 1 && !graph_.topology().directed(),
            "--topology {} changes over time or is directed; d2 needs one undirected graph",
            graph_.name());
    const double smallest = lambda_min(graph_.matrix(0));
    // -1/3 itself is reached by rings of an even number of workers, up to rounding.
    require(smallest > -1.0 / 3 + 1e-9,
            "--topology {} with {} workers has lambda_min {:.6f}; d2 needs more than -1/3 (--lazy "
            "mixes with (I + P) / 2)",
            graph_.name(), workers, smallest);
  }

 private:
  void do_before_gradient(const StepInfo&, at::Tensor& x) override {
    if (alone()) return;
    if (!before_.defined()) before_ = at::empty_like(x);
    before_.copy_(x);
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (stepped_.defined()) {
      before_.sub_(stepped_);  // x_t - h_{t-1}
      stepped_.copy_(x);
      x.add_(before_);
    } else {
      stepped_ = x.clone();
    }
    mixer_.mix(comm(), graph_.matrix(info.step), x);
  }

  Graph graph_;
  Mixer mixer_;
  at::Tensor before_;   // x_t, [d]
  at::Tensor stepped_;  // h of the last step, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_d2(const AlgorithmOptions& options,
                                   const AlgorithmContext& context) {
  return std::make_unique<D2>(options, context);
}

}  // namespace valley
