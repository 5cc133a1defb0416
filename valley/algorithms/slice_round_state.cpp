// What is pending and remembered: forgotten, looked at, saved and loaded.
#include "valley/algorithms/slice_round.h"
#include "valley/core/error.h"

namespace valley {

void SliceRound::join(Communicator& comm, const at::Tensor& x) {
  comm_ = &comm;
  started_.reset();
  pending_.reset();
  failed_ = nullptr;
  share_ = slice_.share(x);
  round_.begin(slice_.of(x), comm);
  if (compressed()) replicas_->begin(comm, slice_.of(x));
}

void SliceRound::show(const at::Tensor& there) const {
  if (!pending_) return;
  at::Tensor slice = slice_.of(there);
  if (compressed()) {
    slice.copy_(replicas_->view(round_.rule(), *pending_, slice));
  } else {
    PendingRound met = pending_->copy();
    move(met, slice);
  }
}

void SliceRound::append_to(AlgorithmState& state) const {
  require(!started_ || droppable_,
          "what is under way must have come, by quiesce(), before it is saved");
  AlgorithmState own;
  if (started_) {
    own = before_;
  } else {
    round_.append_to(own);
  }
  if (replicas_) replicas_->append_to(own);
  if (pending_) pending_->append_to(own);
  slice_.append(own, state);
}

void SliceRound::load(const AlgorithmState& state) {
  const AlgorithmState own = slice_.entries(state);
  round_.load(own);
  if (replicas_) replicas_->load(own);
  pending_ = PendingRound::load(own);
  if (!pending_) return;
  pending_->again = comm_;
  pending_->share = share_;
}

}  // namespace valley
