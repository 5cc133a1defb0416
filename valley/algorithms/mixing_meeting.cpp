#include "valley/algorithms/mixing_meeting.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/sub.h>

#include <vector>

#include "valley/algorithms/kernels.h"

namespace valley {

PendingRound NeighbourMeeting::among(Communicator& comm, const at::Tensor& all, int64_t round) {
  const MixingMatrix& p = matrix(round);
  at::Tensor centers = at::empty_like(all);
  for (int m = 0; m < p.size(); ++m) {
    const Neighbourhood mine = neighbourhood(p, m);
    const MixingRow row(mine);
    std::vector<at::Tensor> others;
    for (const Neighbour& peer : mine.receive) others.push_back(all[peer.rank]);
    at::Tensor center = centers[m];
    mix_into(center, all[m], row.own, row.weights, others);
  }
  return {.center = centers, .workers = comm.size()};
}

PendingRound Mixing::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  comm_ = &comm;
  round_ = round;
  return go_on(mixer_.meet(comm, matrix(round * gossips_), x));
}

void Mixing::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  comm_ = &comm;
  round_ = round;
  mixer_.start(comm, matrix(round * gossips_), x);
}

PendingRound Mixing::go_on(PendingRound met) {
  if (gossips_ == 1) return met;
  if (!mixed_.defined()) mixed_ = at::empty_like(met.goal());
  mixed_.copy_(met.goal()).div_(met.shares());
  for (int64_t i = 1; i < gossips_; ++i) {
    mixer_.mix(*comm_, matrix(round_ * gossips_ + i), mixed_);
  }
  met.sum.reset();
  met.center = mixed_;
  return met;
}

RoundReport AllTheWay::move(const StepInfo&, PendingRound& met, at::Tensor& x) {
  if (met.workers == 1) return {};
  const bool averaged = !met.center.defined();
  if (!met.sent.defined()) {
    averaged ? lerp_to_mean(x, met.sum, met.workers, 1) : void(x.copy_(met.center));
    return {};
  }
  if (!way_.defined()) way_ = at::empty_like(x);
  if (averaged) lerp_to_mean(way_.copy_(met.sent), met.sum, met.workers, 1);
  x.add_(averaged ? way_.sub_(met.sent) : at::sub_out(way_, met.center, met.sent));
  return {};
}

}  // namespace valley
