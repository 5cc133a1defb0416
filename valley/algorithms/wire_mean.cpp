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

// Started, also for a round that waits for it at once: what is added up is added up there. What it
// needs is its own, should this go meanwhile.
void WireMean::send(Communicator& comm, const at::Tensor& x) {
  comm_ = &comm;
  const int rank = comm.rank();
  std::vector<Message> sends, receives;
  std::vector<at::Tensor> payloads;
  for (int m = 0; m < workers_; ++m) {
    coder_->encode(slice(x, m), slice(r_, m), coded_[m],
                   coder_->drops() ? slice(sent_, m) : at::Tensor());
    payloads.push_back(m == rank ? coded_[m] : received_[m]);
    if (m == rank) continue;
    sends.push_back({m, coded_[m]});
    receives.push_back({m, received_[m]});
  }
  const at::Tensor e = e_.narrow(0, 0, slice(x, rank).numel());
  works_.push_back(comm.start_exchange(sends, receives, [coder = coder_, payloads, e, own = own_] {
    coder->average(payloads, e, own);
  }));
  works_.push_back(comm.start_all_gather(own_, gathered_));
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
