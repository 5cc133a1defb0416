#include "valley/algorithms/weighted_by_wire.h"

#include <ATen/ops/div.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/tensor.h>

namespace valley {
namespace {

const std::string kCenter = "center.";

}  // namespace

WeightedByWire::WeightedByWire(const AlgorithmContext& context, Groups groups,
                               const std::string& name, bool with_sum, const std::string& wire)
    : WeightedMean(context, groups, name, with_sum), center_(wire), mean_(wire) {}

void WeightedByWire::prepare(int workers) {
  workers_ = workers;
  for (WireMean* mean : {&center_, &mean_}) mean->prepare(workers);
}

void WeightedByWire::begin(const at::Tensor& x) {
  WeightedMean::begin(x);
  for (WireMean* mean : {&center_, &mean_}) mean->forget(), mean->set_rank(rank());
  center_.begin(x.detach());
  if (with_sum()) mean_.begin(x.detach());
}

void WeightedByWire::append_to(AlgorithmState& state) const {
  WeightedMean::append_to(state);
  mean_.append_to(state);
  AlgorithmState own;
  center_.append_to(own);
  append_under(kCenter, own, state);
}

void WeightedByWire::load(const AlgorithmState& state) {
  WeightedMean::load(state);
  mean_.load(state);
  center_.load(entries_under(kCenter, state));
}

const at::Tensor& WeightedByWire::said(Communicator& comm, const at::Tensor& x) {
  std::vector<LayerRange> groups;
  const at::Tensor mine = at::tensor(weights(x.numel(), groups), at::kDouble).to(x.options());
  const at::Tensor every = comm.all_gather(mine);  // [M, groups]
  const at::Tensor shares = mine.div(every.mean(0));
  if (!said_.defined()) said_ = at::empty_like(x), goal_ = at::empty_like(x);
  at::sub_out(said_, x, center_.known());
  for (size_t l = 0; l < groups.size(); ++l) {
    said_.narrow(0, groups[l].offset, groups[l].size).mul_(shares.narrow(0, int64_t(l), 1));
  }
  return said_.add_(center_.known());
}

PendingRound WeightedByWire::brought(PendingRound met, const at::Tensor& sum) {
  met.center = at::div_out(goal_, sum, workers_);
  met.workers = workers_;
  return met;
}

PendingRound WeightedByWire::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (comm.size() == 1) return WeightedMean::meet(comm, x, round);
  const at::Tensor sum = center_.meet(comm, said(comm, x), round).sum;
  return brought(with_sum() ? mean_.meet(comm, x, round) : PendingRound(), sum);
}

void WeightedByWire::start(Communicator& comm, const at::Tensor& x, int64_t round) {
  if (comm.size() == 1) return WeightedMean::start(comm, x, round);
  center_.start(comm, said(comm, x), round);
  if (with_sum()) mean_.start(comm, x, round);
  if (!sent_.defined()) sent_ = at::empty_like(x);
  sent_.copy_(x);
}

PendingRound WeightedByWire::finish() {
  if (workers_ == 1) return WeightedMean::finish();
  const at::Tensor sum = center_.finish().sum;
  PendingRound met = brought(with_sum() ? mean_.finish() : PendingRound(), sum);
  met.sent = sent_;
  return met;
}

std::unique_ptr<Meeting> make_weighted_mean(const AlgorithmContext& context,
                                            WeightedMean::Groups groups, const std::string& name,
                                            bool with_sum, const std::string& wire) {
  if (wire == "none") return std::make_unique<WeightedMean>(context, groups, name, with_sum);
  return std::make_unique<WeightedByWire>(context, groups, name, with_sum, wire);
}

}  // namespace valley
