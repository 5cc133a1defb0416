// A round in halves of a rule that only pulls.
#include "valley/algorithms/wire_mean.h"

namespace valley {

bool WireMean::meet_and_pull(Communicator& comm, at::Tensor& x, int64_t round,
                             const WeightOfRound& weight) {
  if (workers_ == 1) return MeanOfAll::meet_and_pull(comm, x, round, weight);
  if (!coder_->adds_in_passing(x)) return false;
  sent_.reset();
  send(comm, x);
  wait();
  SquaredNorms norms;
  for (int m = 0; m < workers_; ++m) {
    norms += coder_->add_decoded(gathered_[m], slice(r_, m), workers_, slice(x, m));
  }
  PendingRound met = {.workers = workers_, .norms = norms, .again = comm_};
  coder_->lerp_to_known(x, r_, workers_, weight(met));
  return true;
}

}  // namespace valley
