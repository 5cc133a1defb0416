#include "valley/algorithms/mixing.h"

#include <ATen/ops/empty_like.h>

#include <cmath>
#include <utility>

#include "valley/algorithms/kernels.h"

namespace valley {
void Mixer::start(Communicator& comm, const MixingMatrix& p, const at::Tensor& x) {
  if (!copy_.defined()) copy_ = at::empty_like(x);
  copy_.copy_(x);
  prepare(comm.rank(), p, copy_);
  work_ = all_ ? comm.start_all_reduce_sum(copy_, received_[0])
               : comm.start_exchange(sends_, receives_);
}

void Mixer::finish(at::Tensor& out) {
  std::exchange(work_, nullptr)->wait();
  apply(copy_, out);
}

void Mixer::mix(Communicator& comm, const MixingMatrix& p, at::Tensor& x) {
  prepare(comm.rank(), p, x);
  if (all_) {
    comm.all_reduce_sum(x, received_[0]);
  } else {
    comm.exchange(sends_, receives_);
  }
  apply(x, x);
}

void Mixer::apply(const at::Tensor& x, at::Tensor& out) {
  if (all_) {
    if (!out.is_same(x)) out.copy_(x);
    lerp_to_mean(out, received_[0], workers_, 1);
  } else {
    mix_into(out, x, own_, weights_, received_);
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
  weights_.clear();
  workers_ = p.size();
  all_ = is_average(p);
  if (all_) {
    buffer(0);
    return;
  }
  const Neighbourhood mine = neighbourhood(p, rank);
  for (const int peer : mine.send) sends_.push_back({peer, x});
  own_ = mine.self;
  for (const Neighbour& peer : mine.receive) {
    receives_.push_back({peer.rank, buffer(weights_.size())});
    weights_.push_back(peer.weight);
    own_ += peer.weight;
  }
  if (std::abs(own_ - 1) < 1e-9) own_ = 1;
}

}  // namespace valley
