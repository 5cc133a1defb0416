#include "valley/algorithms/leader_by_wire.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <utility>

namespace valley {

LeaderByWire::LeaderByWire(double leader_pull, bool with_sum, const std::string& wire)
    : FollowTheLeader(leader_pull, with_sum), coder_(wire), mean_(wire) {
  keep("wire_leader", r_);
}

void LeaderByWire::prepare(int workers) {
  FollowTheLeader::prepare(workers);
  mean_.prepare(workers);
}

void LeaderByWire::begin(const at::Tensor& x) {
  FollowTheLeader::begin(x);
  r_ = x.detach().clone();
  payload_ = at::zeros({coder_.bytes(x.numel(), x)}, x.options().dtype(at::kByte));
  mean_.forget();
  mean_.set_rank(rank());
  if (with_sum()) mean_.begin(x);
}

void LeaderByWire::append_to(AlgorithmState& state) const {
  FollowTheLeader::append_to(state);
  mean_.append_to(state);
}

void LeaderByWire::load(const AlgorithmState& state) {
  FollowTheLeader::load(state);
  mean_.load(state);
}

int LeaderByWire::lead(Communicator& comm, const at::Tensor& x) {
  const int leader = find_leader(comm, x);
  if (comm.rank() == leader) coder_.encode(x, r_, payload_, {});
  return leader;
}

PendingRound LeaderByWire::heard(PendingRound met) {
  if (!next_.defined()) next_ = at::empty_like(r_);
  coder_.add_decoded(payload_, r_, next_, 1, {});
  met.center = next_;
  met.workers = workers();
  return met;
}

PendingRound LeaderByWire::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (comm.size() == 1) return FollowTheLeader::meet(comm, x, round);
  comm.broadcast(payload_, lead(comm, x));
  return heard(with_sum() ? mean_.meet(comm, x, round) : PendingRound());
}

void LeaderByWire::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (comm.size() == 1) return FollowTheLeader::start(comm, x, round);
  const int leader = lead(comm, x);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  sent_.copy_(x);
  works_.push_back(comm.start_broadcast(payload_, leader));
  if (with_sum()) mean_.start(comm, x, round);
}

PendingRound LeaderByWire::finish() {
  if (workers() == 1) return FollowTheLeader::finish();
  for (const auto& work : std::exchange(works_, {})) work->wait();
  PendingRound met = heard(with_sum() ? mean_.finish() : PendingRound());
  met.sent = sent_;
  return met;
}

std::unique_ptr<Meeting> make_leader(double leader_pull, bool with_sum, const std::string& wire) {
  if (wire == "none") return std::make_unique<FollowTheLeader>(leader_pull, with_sum);
  return std::make_unique<LeaderByWire>(leader_pull, with_sum, wire);
}

}  // namespace valley
