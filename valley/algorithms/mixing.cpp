#include "valley/algorithms/mixing.h"

#include <ATen/ops/empty_like.h>

#include <cmath>

#include "valley/algorithms/kernels.h"

namespace valley {

MixingRow::MixingRow(const Neighbourhood& neighbourhood) : own(neighbourhood.self) {
  for (const Neighbour& peer : neighbourhood.receive) {
    weights.push_back(peer.weight);
    own += peer.weight;
  }
  if (std::abs(own - 1) < 1e-9) own = 1;
}

void Mixer::start(Communicator& comm, const MixingMatrix& p, const at::Tensor& x) {
  if (!copy_.defined()) copy_ = at::empty_like(x);
  copy_.copy_(x);
  prepare(comm.rank(), p, copy_);
  work_ = row_ ? comm.start_exchange(sends_, receives_)
               : comm.start_all_reduce_sum(copy_, received_[0]);
}

void Mixer::finish(at::Tensor& out) {
  wait();
  apply(copy_, out);
}

void Mixer::mix(Communicator& comm, const MixingMatrix& p, at::Tensor& x) {
  exchange(comm, p, x);
  apply(x, x);
}

PendingRound Mixer::meet(Communicator& comm, const MixingMatrix& p, const at::Tensor& x) {
  exchange(comm, p, x);
  return met(x);
}

PendingRound Mixer::finish() {
  wait();
  PendingRound round = met(copy_);
  round.sent = copy_;
  return round;
}

void Mixer::exchange(Communicator& comm, const MixingMatrix& p, const at::Tensor& x) {
  prepare(comm.rank(), p, x);
  if (row_) {
    comm.exchange(sends_, receives_);
  } else {
    comm.all_reduce_sum(x, received_[0]);
  }
}

PendingRound Mixer::met(const at::Tensor& x) {
  if (!row_) return {.sum = received_[0], .workers = workers_};
  // What came first makes room: nobody reads it afterwards.
  mix_into(received_[0], x, row_->own, row_->weights, received_);
  return {.center = received_[0], .workers = workers_};
}

void Mixer::apply(const at::Tensor& x, at::Tensor& out) {
  if (row_) {
    mix_into(out, x, row_->own, row_->weights, received_);
  } else {
    if (!out.is_same(x)) out.copy_(x);
    lerp_to_mean(out, received_[0], workers_, 1);
  }
}

void Mixer::prepare(int rank, const MixingMatrix& p, const at::Tensor& x) {
  const auto buffer = [&](size_t i) {
    if (received_.size() <= i) received_.resize(i + 1);
    if (!received_[i].defined()) received_[i] = at::empty_like(x);
    return received_[i];
  };
  sends_.clear();
  receives_.clear();
  row_.reset();
  workers_ = p.size();
  buffer(0);
  if (is_average(p)) return;
  const Neighbourhood mine = neighbourhood(p, rank);
  row_.emplace(mine);
  for (const int peer : mine.send) sends_.push_back({peer, x});
  for (const Neighbour& peer : mine.receive) {
    receives_.push_back({peer.rank, buffer(receives_.size())});
  }
}

}  // namespace valley
