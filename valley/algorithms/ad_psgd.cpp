#include "valley/algorithms/ad_psgd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <future>
#include <utility>
#include <vector>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/graph.h"
#include "valley/algorithms/spot.h"
#include "valley/core/clock.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class AdPsgd : public EveryStepAlgorithm {
 public:
  AdPsgd(const AdPsgdOptions& options, const AlgorithmContext& context)
      : seed_(context.seed), steps_per_epoch_(context.steps_per_epoch), graph_(options, seed_) {}

  void prepare(int workers) override { graph_.prepare(workers); }

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
    spots_.reset();
    start_ = alone() ? at::Tensor() : x.clone();
    partners_ = partners(graph_.graph(), comm().rank());
  }

  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    if (alone()) return;
    if (spots_ == nullptr) spots_ = take_spots(comm(), std::exchange(start_, at::Tensor()));
    mine().read(x);
    if (!read_.defined()) read_ = at::empty_like(x);
    read_.copy_(x);
    if (partners_.empty()) return;
    Random random(derive_seed(seed_, comm().rank(), "ad-psgd", info.step));
    Spot& partner = spot(partners_[random.below(partners_.size())]);
    // Only active workers ask, and only passive ones are asked: no circle of waiting can close.
    meeting_ = std::async(std::launch::async, [this, &partner] { Spot::meet(mine(), partner); });
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (meeting_.valid()) {
      const double start = now_seconds();
      meeting_.get();
      comm().count_shared(2 * static_cast<int64_t>(x.nbytes()), now_seconds() - start);
    }
    mine().go(x, read_);
    // A wish to stop must be agreed on somewhere.
    if ((info.step + 1) % steps_per_epoch_ == 0) comm().barrier();
  }

  void do_quiesce() override {
    if (spots_ != nullptr) comm().barrier();  // who comes here has had the meeting it asked for
  }

  at::Tensor do_view(const at::Tensor& x) const override {
    if (spots_ == nullptr) return start_.defined() ? start_.clone() : x;
    return mine().read();
  }

  Spot& spot(int rank) const { return (*spots_)[static_cast<size_t>(rank)]; }
  Spot& mine() const { return spot(comm().rank()); }

  uint64_t seed_;
  int64_t steps_per_epoch_;
  GraphFor graph_;
  std::vector<int> partners_;
  std::shared_ptr<Spots> spots_;
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
