#include "valley/algorithms/ad_psgd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <future>
#include <utility>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/learners.h"
#include "valley/core/clock.h"

namespace valley {
namespace {

class AdPsgd : public EveryStepAlgorithm {
 public:
  AdPsgd(const AdPsgdOptions& options, const AlgorithmContext& context)
      : steps_per_epoch_(context.steps_per_epoch), learners_(options, context.seed) {}

  void prepare(int workers) override { learners_.prepare(workers); }

  AlgorithmState state() const override {
    AlgorithmState state = EveryStepAlgorithm::state();
    state.emplace_back("place", view(at::empty({0})));
    return state;
  }

  // Earlier checkpoints have no place: x is where the worker stood.
  void load_state(const AlgorithmState& state) override {
    EveryStepAlgorithm::load_state(state);
    const at::Tensor place = optional_entry(state, "place");
    if (place.defined() && place.numel() > 0) start_ = place.clone();
  }

 private:
  void begin(const at::Tensor& x) override {
    learners_.gather(comm());
    start_ = alone() ? at::Tensor() : x.clone();
  }

  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    if (alone()) return;
    if (!learners_.placed()) learners_.place(std::exchange(start_, at::Tensor()));
    learners_.read(x);
    if (!read_.defined()) read_ = at::empty_like(x);
    read_.copy_(x);
    // Only active workers ask, and only passive ones are asked: no circle of waiting can close.
    if (Spot* partner = learners_.asked(info.step)) {
      Spot& mine = learners_.mine();
      meeting_ = std::async(std::launch::async, [&mine, partner] { Spot::meet(mine, *partner); });
    }
  }

  void do_on_gradient(const StepInfo&, at::Tensor&, at::Tensor& g) override { learners_.mean(g); }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (meeting_.valid()) {
      const double start = now_seconds();
      meeting_.get();
      comm().count_shared(2 * static_cast<int64_t>(x.nbytes()), now_seconds() - start);
    }
    if (learners_.leads()) learners_.mine().go(x, read_);
    // A wish to stop must be agreed on somewhere.
    if ((info.step + 1) % steps_per_epoch_ == 0) comm().barrier();
  }

  void do_quiesce() override {
    if (learners_.placed()) comm().barrier();  // who comes here has had the meeting it asked for
  }

  at::Tensor do_view(const at::Tensor& x) const override {
    if (!learners_.placed()) return start_.defined() ? start_.clone() : x;
    return learners_.mine().read();
  }

  int64_t steps_per_epoch_;
  Learners learners_;
  at::Tensor start_;  // where it will stand, until the spots are taken, [d]
  at::Tensor read_;   // x at which the gradient is computed, [d]
  std::future<void> meeting_;
};

}  // namespace

std::unique_ptr<Algorithm> make_ad_psgd(const AdPsgdOptions& options,
                                        const AlgorithmContext& context) {
  return std::make_unique<AdPsgd>(options, context);
}

}  // namespace valley
