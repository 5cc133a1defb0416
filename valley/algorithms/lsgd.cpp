#include "valley/algorithms/lsgd.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>
#include <utility>

#include "valley/algorithms/consensus.h"
#include "valley/algorithms/kernels.h"
#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

// Where the worker with the lowest loss stands, and the sum of all if it is wanted.
class FollowTheLeader : public Meeting {
 public:
  FollowTheLeader(double leader_pull, bool with_sum)
      : leader_pull_(leader_pull), with_sum_(with_sum) {
    if (leader_pull_ > 0) keep("leader", center_);
  }

  void prepare(int workers) override { workers_ = workers; }
  void begin(const at::Tensor&) override { loss_sum_ = loss_count_ = 0; }

  void append_to(AlgorithmState& state) const override {
    Meeting::append_to(state);
    state.emplace_back("losses", at::tensor({loss_sum_, loss_count_}, at::kDouble));
  }

  void load(const AlgorithmState& state) override {
    const at::Tensor losses = state_entry(state, "losses", at::kDouble, 2);
    Meeting::load(state);
    loss_sum_ = losses.data_ptr<double>()[0];
    loss_count_ = losses.data_ptr<double>()[1];
  }

  void after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) override {
    loss_sum_ += info.loss;
    ++loss_count_;
    if (leader_pull_ > 0 && center_.defined() && workers_ > 1) {
      lerp_to_mean(x, center_, 1, leader_pull_ / double(period));
    }
  }

  PendingRound meet(Communicator& comm, const at::Tensor& x) override {
    const int leader = find_leader(comm, x);
    if (!center_.defined()) center_ = at::empty_like(x);
    if (comm.rank() == leader) center_.copy_(x);
    comm.broadcast(center_, leader);
    if (with_sum_) {
      if (!sum_.defined()) sum_ = at::empty_like(x);
      comm.all_reduce_sum(x, sum_);
    }
    return {.sum = sum_, .center = center_, .workers = comm.size()};
  }

  PendingRound among(Communicator& comm, const at::Tensor& all) override {
    center_ = all[find_leader(comm, all)].clone();
    if (with_sum_) sum_rows(all, sum_);
    return {.sum = sum_, .center = center_, .workers = comm.size()};
  }

 private:
  int find_leader(Communicator& comm, const at::Tensor& like) {
    double mean = loss_sum_ / loss_count_;
    if (std::isnan(mean)) mean = std::numeric_limits<double>::infinity();
    loss_sum_ = loss_count_ = 0;
    const at::Tensor losses =
        comm.all_gather(at::full({1}, mean, like.options())).flatten().to(at::kDouble);
    const double* loss = losses.data_ptr<double>();
    int leader = 0;
    for (int m = 1; m < comm.size(); ++m) {
      if (loss[m] < loss[leader]) leader = m;
    }
    return leader;
  }

  double leader_pull_;
  bool with_sum_;
  int workers_ = 1;
  at::Tensor center_, sum_;               // [d], kept between rounds; center_ is the last leader
  double loss_sum_ = 0, loss_count_ = 0;  // since the last round
};

}  // namespace

std::unique_ptr<Algorithm> make_lsgd(const LsgdOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  auto rule = std::make_unique<Consensus>(options.pull_push, options.push_schedule);
  auto meeting = std::make_unique<FollowTheLeader>(options.leader_pull, rule->pushes());
  return std::make_unique<RoundsAlgorithm>(options.period, context, std::move(meeting),
                                           std::move(rule), options.compress_rounds);
}

}  // namespace valley
