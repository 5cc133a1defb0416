#include "valley/algorithms/known_replicas.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "valley/core/random.h"

namespace valley {

KnownReplicas::KnownReplicas(const std::string& compress, uint64_t seed)
    : compressor_(make_compressor(compress)), seed_(seed) {
  kept_.add("replicas", k_);
}

void KnownReplicas::begin(const Communicator& comm, const at::Tensor& x) {
  rank_ = comm.rank();
  k_ = x.detach().unsqueeze(0).expand({comm.size(), x.numel()}).contiguous();
  difference_ = at::empty_like(x);
  spare_ = at::empty_like(x);
  payload_ = at::empty({compressor_->bytes(x.numel(), int64_t(x.element_size()))},
                       x.options().dtype(at::kByte));
}

void KnownReplicas::send(Communicator& comm, int64_t step, const at::Tensor& x) {
  difference_.copy_(x).sub_(k_[rank_]);
  compressor_->compress(difference_, derive_seed(seed_, comm.rank(), "rounds", step), payload_);
  const at::Tensor payloads = comm.all_gather(payload_);
  for (int64_t m = 0; m < k_.size(0); ++m) {
    compressor_->decompress(payloads[m], difference_);
    k_[m].add_(difference_);
  }
}

RoundReport KnownReplicas::move(Rule& rule, const PendingRound& met, at::Tensor& x) {
  RoundReport own;
  difference_.copy_(k_[rank_]);  // where it was
  for (int64_t m = 0; m < k_.size(0); ++m) {
    PendingRound one = met.of(m);
    if (met.sum.defined()) one.sum = spare_.copy_(met.sum);  // the rule may overwrite it
    at::Tensor k = k_[m];
    const RoundReport report = rule.move(met.begun, one, k);
    if (m == rank_) own = report;
  }
  x.add_(difference_.neg_().add_(k_[rank_]));
  return own;
}

at::Tensor KnownReplicas::view(Rule& rule, const PendingRound& met, const at::Tensor& x) const {
  PendingRound one = met.of(rank_).copy();
  at::Tensor k = k_[rank_].clone();
  rule.move(met.begun, one, k);
  return k.sub_(k_[rank_]).add_(x);
}

}  // namespace valley
