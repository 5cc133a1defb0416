#include "valley/algorithms/lsgd.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class Lsgd : public RoundsAlgorithm {
 public:
  Lsgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        schedule_(options.push_schedule),
        consensus_(options.pull_push),
        leader_pull_(options.leader_pull) {
    require(0 <= leader_pull_ && leader_pull_ <= 1, "--leader-pull must be in [0, 1], got {}",
            leader_pull_);
    if (leader_pull_ > 0) keep("leader", center_);
  }

  AlgorithmState state() const override {
    auto state = RoundsAlgorithm::state();
    state.emplace_back("losses", at::tensor({loss_sum_, loss_count_}, at::kDouble));
    return state;
  }

  void load_state(const AlgorithmState& state) override {
    const at::Tensor losses = state_entry(state, "losses", at::kDouble, 2);
    RoundsAlgorithm::load_state(state);
    loss_sum_ = losses.data_ptr<double>()[0];
    loss_count_ = losses.data_ptr<double>()[1];
  }

 private:
  void begin(const at::Tensor&) override { loss_sum_ = loss_count_ = 0; }

  void after_local_step(const StepInfo& info, at::Tensor& x) override {
    loss_sum_ += info.loss;
    ++loss_count_;
    if (leader_pull_ > 0 && center_.defined() && comm().size() > 1) {
      lerp_to_mean(x, center_, 1, leader_pull_ / double(period()));
    }
  }

  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    const int leader = find_leader(x);
    if (!center_.defined()) center_ = at::empty_like(x);
    if (comm().rank() == leader) center_.copy_(x);
    comm().broadcast(center_, leader);
    if (consensus_.pushes()) {
      if (!sum_.defined()) sum_ = at::empty_like(x);
      comm().all_reduce_sum(x, sum_);
    }
    return consensus_.round(x, center_, sum_, comm().size(),
                            push_factor(schedule_, info.progress()));
  }

  int find_leader(const at::Tensor& x) {
    double mean = loss_sum_ / loss_count_;
    if (std::isnan(mean)) mean = std::numeric_limits<double>::infinity();
    loss_sum_ = loss_count_ = 0;
    const at::Tensor losses =
        comm().all_gather(at::full({1}, mean, x.options())).flatten().to(at::kDouble);
    const double* loss = losses.data_ptr<double>();
    int leader = 0;
    for (int m = 1; m < comm().size(); ++m) {
      if (loss[m] < loss[leader]) leader = m;
    }
    return leader;
  }

  PushShape schedule_;
  Consensus consensus_;
  double leader_pull_;
  at::Tensor center_, sum_;               // [d], kept between rounds; center_ is the last leader
  double loss_sum_ = 0, loss_count_ = 0;  // since the last round
};

}  // namespace

std::unique_ptr<Algorithm> make_lsgd(const AlgorithmOptions& options,
                                     const AlgorithmContext& context) {
  return std::make_unique<Lsgd>(options, context);
}

}  // namespace valley
