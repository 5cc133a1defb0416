#include "valley/algorithms/mean_of_moves.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

namespace valley {

MeanOfMoves::MeanOfMoves(std::unique_ptr<MeanCoder> coder) : coder_(std::move(coder)) {
  keep("wire_mean", r_);
  keep("wire_left", a_);
  keep("wire_error", e_);
  for (const auto& [name, vector] : coder_->memory()) keep("wire_" + name, *vector);
}

void MeanOfMoves::begin(const at::Tensor& x) {
  if (workers_ == 1) return;
  r_ = x.detach().clone();
  a_ = r_.clone();
  e_ = at::zeros_like(r_);
  sum_ = at::empty_like(r_);
}

void MeanOfMoves::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (workers_ == 1) return MeanOfAll::start(comm, x, round);
  comm_ = &comm;
  at::sub_out(sum_, x, a_);
  e_.add_(sum_);
  a_.copy_(x);
  coder_->start(comm, e_, round);
}

PendingRound MeanOfMoves::bring() {
  coder_->finish(r_);
  a_.sub_(r_);
  at::mul_out(sum_, r_, workers_);
  return {.sum = sum_, .workers = workers_, .again = comm_};
}

PendingRound MeanOfMoves::finish() {
  if (workers_ == 1) return MeanOfAll::finish();
  const at::Tensor sent = a_.clone();
  PendingRound met = bring();
  met.sent = sent;
  return met;
}

PendingRound MeanOfMoves::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (workers_ == 1) return MeanOfAll::meet(comm, x, round);
  start(comm, x, round);
  return bring();
}

std::vector<at::Tensor> MeanOfMoves::moved_along() {
  if (workers_ == 1) return {};
  return {r_};
}

void MeanOfMoves::applied(const PendingRound&, const RoundReport& report) {
  if (workers_ > 1) a_.mul_(1 - report.figure("pull")).add_(r_);
}

}  // namespace valley
