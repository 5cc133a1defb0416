#include "valley/algorithms/follow_the_leader.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <limits>
#include <utility>

#include "valley/algorithms/kernels.h"

namespace valley {

FollowTheLeader::FollowTheLeader(double leader_pull, bool with_sum)
    : leader_pull_(leader_pull), with_sum_(with_sum) {
  if (leader_pull_ > 0) keep("leader", center_);
}

void FollowTheLeader::begin(const at::Tensor&) { losses_ = {}; }

void FollowTheLeader::append_to(AlgorithmState& state) const {
  Meeting::append_to(state);
  state.emplace_back("losses", at::tensor({losses_.sum(), double(losses_.count())}, at::kDouble));
}

void FollowTheLeader::load(const AlgorithmState& state) {
  const at::Tensor losses = state_entry(state, "losses", at::kDouble, 2);
  Meeting::load(state);
  losses_ = {losses.data_ptr<double>()[0], std::llround(losses.data_ptr<double>()[1])};
}

void FollowTheLeader::after_local_step(const StepInfo& info, int64_t period, at::Tensor& x) {
  losses_.add(info.loss);
  if (leader_pull_ > 0 && center_.defined() && workers_ > 1) {
    lerp_to_mean(x, center_, 1, leader_pull_ / double(period));
  }
}

PendingRound FollowTheLeader::meet(Communicator& comm, const at::Tensor& x, int64_t) {
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

PendingRound FollowTheLeader::among(Communicator& comm, const at::Tensor& all, int64_t) {
  center_ = all[find_leader(comm, all)].clone();
  if (with_sum_) sum_rows(all, sum_);
  return {.sum = sum_, .center = center_, .workers = comm.size()};
}

int FollowTheLeader::find_leader(Communicator& comm, const at::Tensor& like) {
  double mean = std::exchange(losses_, {}).mean();
  if (std::isnan(mean)) mean = std::numeric_limits<double>::infinity();
  const at::Tensor losses =
      comm.all_gather(at::full({1}, mean, like.options())).flatten().cpu().to(at::kDouble);
  const double* loss = losses.data_ptr<double>();
  int leader = 0;
  for (int m = 1; m < comm.size(); ++m) {
    if (loss[m] < loss[leader]) leader = m;
  }
  return leader;
}

}  // namespace valley
