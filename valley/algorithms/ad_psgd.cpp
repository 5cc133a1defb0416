#include "valley/algorithms/ad_psgd.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include <future>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/mixing.h"
#include "valley/core/clock.h"
#include "valley/core/random.h"

namespace valley {
namespace {

// Where a worker stands, for all to see. Only who holds its mutex may touch x.
struct Place {
  std::mutex mutex;
  at::Tensor x;  // [d]
};
using Places = std::vector<Place>;

// Both at one moment. Only active workers hold a place while they ask for another, and that other
// is passive, so no circle of waiting can close.
void meet(Place& active, Place& passive) {
  const std::lock_guard first(active.mutex);
  const std::lock_guard second(passive.mutex);
  meet_in_the_middle(active.x, passive.x);
}

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
    for (const auto& [name, tensor] : state) {
      if (name == "place" && tensor.numel() > 0) start_ = tensor.clone();
    }
  }

 private:
  void begin(const at::Tensor& x) override {
    places_.reset();
    start_ = alone() ? at::Tensor() : x.clone();
    partners_ = partners(graph_.graph(), comm().rank());
  }

  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    if (alone()) return;
    if (places_ == nullptr) take_places();
    {
      const std::lock_guard lock(mine().mutex);
      x.copy_(mine().x);
    }
    if (!read_.defined()) read_ = at::empty_like(x);
    read_.copy_(x);
    if (partners_.empty()) return;
    Random random(derive_seed(seed_, comm().rank(), "ad-psgd", info.step));
    Place& partner = place(partners_[random.below(partners_.size())]);
    meeting_ = std::async(std::launch::async, [this, &partner] { meet(mine(), partner); });
  }

  void do_after_step(const StepInfo& info, at::Tensor& x) override {
    count_step();
    if (alone()) return;
    if (meeting_.valid()) {
      const double start = now_seconds();
      meeting_.get();
      comm().count_shared(2 * static_cast<int64_t>(x.nbytes()), now_seconds() - start);
    }
    {
      const std::lock_guard lock(mine().mutex);
      mine().x.add_(x).sub_(read_);
      x.copy_(mine().x);
    }
    // A wish to stop must be agreed on somewhere.
    if ((info.step + 1) % steps_per_epoch_ == 0) comm().barrier();
  }

  void do_quiesce() override {
    if (places_ != nullptr) comm().barrier();  // who comes here has had the meeting it asked for
  }

  at::Tensor do_view(const at::Tensor& x) const override {
    if (places_ == nullptr) return start_.defined() ? start_.clone() : x;
    const std::lock_guard lock(mine().mutex);
    return mine().x.clone();
  }

  Place& place(int rank) const { return (*places_)[static_cast<size_t>(rank)]; }
  Place& mine() const { return place(comm().rank()); }

  // Everyone stands somewhere before anyone is met.
  void take_places() {
    const auto workers = static_cast<size_t>(comm().size());
    places_ = comm().share(comm().rank() == 0 ? std::make_shared<Places>(workers) : nullptr);
    mine().x = std::exchange(start_, at::Tensor());
    comm().barrier();
  }

  uint64_t seed_;
  int64_t steps_per_epoch_;
  GraphFor<AdPsgdOptions> graph_;
  std::vector<int> partners_;
  std::shared_ptr<Places> places_;
  at::Tensor start_;  // where it will stand, until the places are taken, [d]
  at::Tensor read_;   // x at which the gradient is computed, [d]
  std::future<void> meeting_;
};

}  // namespace

std::unique_ptr<Algorithm> make_ad_psgd(const AdPsgdOptions& options,
                                        const AlgorithmContext& context) {
  return std::make_unique<AdPsgd>(options, context);
}

}  // namespace valley
