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
  if (leader_pull_ > 0) keep("leader", leader_);
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
  if (leader_pull_ > 0 && leader_.defined() && workers_ > 1) {
    lerp_to_mean(x, leader_, 1, leader_pull_ / double(period));
  }
}

int FollowTheLeader::lead(Communicator& comm, const at::Tensor& x) {
  const int leader = find_leader(comm, x);
  if (!next_.defined()) next_ = at::empty_like(x);
  if (comm.rank() == leader) next_.copy_(x);
  if (with_sum_ && !sum_.defined()) sum_ = at::empty_like(x);
  return leader;
}

PendingRound FollowTheLeader::meet(Communicator& comm, const at::Tensor& x, int64_t) {
  const int leader = lead(comm, x);
  comm.broadcast(next_, leader);
  if (with_sum_) comm.all_reduce_sum(x, sum_);
  return {.sum = sum_, .center = next_, .workers = comm.size()};
}

void FollowTheLeader::start(Communicator& comm, const at::Tensor& x, int64_t) {
  const int leader = lead(comm, x);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  sent_.copy_(x);
  works_.push_back(comm.start_broadcast(next_, leader));
  if (with_sum_) works_.push_back(comm.start_all_reduce_sum(sent_, sum_));
}

PendingRound FollowTheLeader::finish() {
  for (const auto& work : std::exchange(works_, {})) work->wait();
  return {.sum = sum_, .center = next_, .sent = sent_, .workers = workers_};
}

// Local steps go on towards the former leader until then.
void FollowTheLeader::applied(const PendingRound& met, const RoundReport&) {
  if (leader_pull_ == 0) return;
  next_ = std::move(leader_);
  leader_ = met.center;
}

PendingRound FollowTheLeader::among(Communicator& comm, const at::Tensor& all, int64_t) {
  next_ = all[find_leader(comm, all)].clone();
  if (with_sum_) sum_rows(all, sum_);
  return {.sum = sum_, .center = next_, .workers = comm.size()};
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
