#include "valley/algorithms/wire_mean.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

namespace valley {

WireMean::WireMean(const std::string& wire) : coder_(std::make_shared<WireCoder>(wire)) {
  keep("wire_mean", r_);
  keep("wire_error", e_);
}

void WireMean::begin(const at::Tensor& x) {
  if (workers_ == 1) return;
  size_ = (x.numel() + workers_ - 1) / workers_;
  r_ = x.clone();
  e_ = at::zeros({size_}, x.options());
  sum_ = at::empty_like(x);
  sent_.reset();
  const auto room = x.options().dtype(at::kByte);
  coded_ = at::zeros({workers_, coder_->bytes(size_, x)}, room);
  received_ = at::empty_like(coded_);
  gathered_ = at::empty_like(coded_);
  own_ = at::zeros({coder_->bytes(size_, x)}, room);
}

at::Tensor WireMean::slice(const at::Tensor& x, int m) const {
  const int64_t begin = std::min(m * size_, x.numel());
  return x.narrow(0, begin, std::min(size_, x.numel() - begin));
}

PendingRound WireMean::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (workers_ == 1) return MeanOfAll::meet(comm, x, round);
  if (!coder_->drops()) {
    sent_.reset();
  } else if (!sent_.defined()) {
    sent_ = at::empty_like(x);
  }
  send(comm, x);
  return bring(coder_->drops() ? at::Tensor() : x);
}

void WireMean::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (workers_ == 1) return MeanOfAll::start(comm, x, round);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  if (!coder_->drops()) sent_.copy_(x);
  send(comm, x);
}

PendingRound WireMean::finish() {
  return workers_ == 1 ? MeanOfAll::finish() : bring(at::Tensor());
}

void WireMean::wait() {
  for (const auto& work : std::exchange(works_, {})) work->wait();
}

PendingRound WireMean::bring(const at::Tensor& x) {
  wait();
  SquaredNorms norms;
  for (int m = 0; m < workers_; ++m) {
    norms += coder_->add_decoded(gathered_[m], slice(r_, m), slice(sum_, m), workers_,
                                 x.defined() ? slice(x, m) : x);
  }
  PendingRound met = {.sum = sum_, .sent = sent_, .workers = workers_, .again = comm_};
  if (x.defined()) met.norms = norms;
  return met;
}

}  // namespace valley
