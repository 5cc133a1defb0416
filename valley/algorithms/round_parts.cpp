#include "valley/algorithms/round_parts.h"

#include <ATen/ops/empty_like.h>

#include <stdexcept>
#include <utility>

namespace valley {

void sum_rows(const at::Tensor& all, at::Tensor& sum) {
  if (!sum.defined()) sum = at::empty_like(all[0]);
  sum.copy_(all[0]);
  for (int64_t m = 1; m < all.size(0); ++m) sum.add_(all[m]);
}

void Meeting::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  started_ = meet(comm, x, round);
  started_.norms.reset();
  started_.sent = x.clone();
}

PendingRound Meeting::among(Communicator&, const at::Tensor&, int64_t) {
  throw std::logic_error("this meeting has no form among replicas");
}

void MeanOfAll::make_room(const at::Tensor& x) {
  if (sum_.defined() && sum_.numel() == x.numel() && sum_.dtype() == x.dtype()) return;
  sum_ = at::empty_like(x);
  sent_.reset();
}

void MeanOfAll::start(Communicator& comm, const at::Tensor& x, int64_t) {
  make_room(x);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  comm_ = &comm;
  work_ = comm.start_all_reduce_sum(sent_.copy_(x), sum_);
}

PendingRound MeanOfAll::finish() {
  std::exchange(work_, nullptr)->wait();
  return {.sum = sum_, .sent = sent_, .workers = comm_->size(), .again = comm_};
}

PendingRound MeanOfAll::meet(Communicator& comm, const at::Tensor& x, int64_t) {
  make_room(x);
  const SquaredNorms norms = comm.all_reduce_sum_norms(x, sum_);
  return {.sum = sum_, .workers = comm.size(), .norms = norms, .again = &comm};
}

bool MeanOfAll::meet_and_pull(Communicator& comm, at::Tensor& x, int64_t,
                              const WeightOfRound& weight) {
  make_room(x);
  comm.all_reduce_lerp(x, sum_, [&](const SquaredNorms& norms) {
    PendingRound met = {.workers = comm.size(), .norms = norms, .again = &comm};
    return weight(met);
  });
  return true;
}

PendingRound MeanOfAll::among(Communicator& comm, const at::Tensor& all, int64_t) {
  sum_rows(all, sum_);
  return {.sum = sum_, .workers = comm.size()};
}

}  // namespace valley
