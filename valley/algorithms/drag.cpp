#include "valley/algorithms/drag.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>

#include "valley/algorithms/participants.h"
#include "valley/algorithms/pull_push.h"
#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

// Says where its turned way would have led.
class Turned : public MeanOfSome {
 public:
  Turned(const DragOptions& options, uint64_t seed)
      : MeanOfSome(Participants(options.participate, seed)),
        drag_(options.drag),
        memory_(options.drag_memory) {
    keep("start", start_);
    keep("way", way_);
  }

  void begin(const at::Tensor& x) override { start_ = x.clone(); }

 private:
  at::Tensor say(const at::Tensor& x) override {
    if (drag_ == 0 || !way_.defined()) return x;
    const at::Tensor mine = x - start_;
    const double length = mine.norm().item<double>(), of_all = way_.norm().item<double>();
    if (length == 0 || of_all == 0) return x;
    const double cosine = at::dot(mine, way_).item<double>() / (length * of_all);
    const double lambda = drag_ * (1 - cosine);
    return start_.add(mine, 1 - lambda).add_(way_, lambda * length / of_all);
  }

  void hear(const at::Tensor& sum, int speakers, bool) override {
    const at::Tensor x = sum.narrow(0, 0, start_.numel()) / speakers;
    start_.neg_().add_(x);  // the way of all
    if (way_.defined()) {
      way_.mul_(memory_).add_(start_, 1 - memory_);
    } else {
      way_ = start_.clone();
    }
    start_.copy_(x);
  }

  double drag_, memory_;
  at::Tensor start_, way_;  // x_0 and r, [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_drag(const DragOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<RoundsAlgorithm>(
      options.period, context, std::make_unique<Turned>(options, context.seed),
      std::make_unique<PullPushRule>(PullPushOptions{.pull = 1, .push = 0}), "none",
      options.optimizer_state);
}

}  // namespace valley
