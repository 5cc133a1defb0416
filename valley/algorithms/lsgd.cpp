#include "valley/algorithms/lsgd.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/rounds.h"
#include "valley/core/error.h"

namespace valley {
namespace {

class Lsgd : public RoundsAlgorithm {
 public:
  Lsgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : RoundsAlgorithm(options, context),
        schedule_(options.push_schedule),
        consensus_(options.pull_push) {}

  void start_at(int64_t step) override {
    RoundsAlgorithm::start_at(step);
    loss_sum_ = loss_count_ = 0;
  }

  std::vector<std::pair<std::string, at::Tensor>> state() const override {
    auto state = RoundsAlgorithm::state();
    state.emplace_back("losses", at::tensor({loss_sum_, loss_count_}, at::kDouble));
    return state;
  }

  void load_state(const std::vector<std::pair<std::string, at::Tensor>>& state) override {
    const at::Tensor losses = find_state(state, "losses");
    require(losses.scalar_type() == at::kDouble && losses.numel() == 2,
            "the checkpoint's losses are damaged");
    RoundsAlgorithm::load_state(state);
    loss_sum_ = losses.data_ptr<double>()[0];
    loss_count_ = losses.data_ptr<double>()[1];
  }

 private:
  void after_local_step(const StepInfo& info) override {
    loss_sum_ += info.loss;
    ++loss_count_;
  }

  RoundReport round(const StepInfo& info, at::Tensor& x) override {
    const int leader = find_leader(x);
    if (!center_.defined()) center_ = at::empty_like(x);
    if (comm_.rank() == leader) center_.copy_(x);
    comm_.broadcast(center_, leader);
    if (consensus_.pushes()) {
      if (!sum_.defined()) sum_ = at::empty_like(x);
      comm_.all_reduce_sum(x, sum_);
    }
    const double progress = double(info.step + 1) / double(info.total_steps);
    return consensus_.round(x, center_, sum_, comm_.size(), push_factor(schedule_, progress));
  }

  int find_leader(const at::Tensor& x) {
    double mean = loss_sum_ / loss_count_;
    if (std::isnan(mean)) mean = std::numeric_limits<double>::infinity();
    loss_sum_ = loss_count_ = 0;
    const at::Tensor losses =
        comm_.all_gather(at::full({1}, mean, x.options())).flatten().to(at::kDouble);
    const double* loss = losses.data_ptr<double>();
    int leader = 0;
    for (int m = 1; m < comm_.size(); ++m) {
      if (loss[m] < loss[leader]) leader = m;
    }
    return leader;
  }

  PushShape schedule_;
  Consensus consensus_;
  at::Tensor center_, sum_;               // [d], kept between rounds
  double loss_sum_ = 0, loss_count_ = 0;  // since the last round
};

}  // namespace

std::unique_ptr<Algorithm> make_lsgd(const AlgorithmOptions& options,
                                     const AlgorithmContext& context) {
  return std::make_unique<Lsgd>(options, context);
}

}  // namespace valley
