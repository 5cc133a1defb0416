// What is said, and a round of a rule that only pulls.
#include <utility>

#include "valley/algorithms/wire_mean.h"

namespace valley {

void WireMean::encode(const at::Tensor& x) {
  for (int m = 0; m < workers_; ++m) {
    coder_->encode(slice(x, m), slice(r_, m), coded_[m],
                   coder_->drops() ? slice(sent_, m) : at::Tensor());
  }
}

// Started, also for a round that waits for it at once: what is added up is added up there. What it
// needs is its own, should this go meanwhile.
void WireMean::send(Communicator& comm, const at::Tensor& x) {
  comm_ = &comm;
  encode(x);
  const int rank = comm.rank();
  if (to_each_other()) {
    works_.push_back(send_to_other([coder = coder_, said = said_in_order(), e = e_, all = gathered_,
                                    last = slice(x, 1).numel()] {
      coder->average(said[0], e, all[0]);
      coder->average(said[1], e.narrow(0, 0, last), all[1]);
    }));
    return;
  }
  std::vector<Message> sends, receives;
  std::vector<at::Tensor> payloads;
  for (int m = 0; m < workers_; ++m) {
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

std::unique_ptr<Work> WireMean::send_to_other(std::function<void()> then) {
  const int other = 1 - comm_->rank();
  return comm_->start_exchange({{other, coded_}}, {{other, received_}}, std::move(then));
}

std::vector<std::vector<at::Tensor>> WireMean::said_in_order() const {
  const at::Tensor &first = comm_->rank() == 0 ? coded_ : received_,
                   &second = comm_->rank() == 0 ? received_ : coded_;
  return {{first[0], second[0]}, {first[1], second[1]}};
}

bool WireMean::meet_and_pull(Communicator& comm, at::Tensor& x, int64_t round,
                             const WeightOfRound& weight) {
  if (workers_ == 1) return MeanOfAll::meet_and_pull(comm, x, round, weight);
  if (!coder_->adds_in_passing(x)) return false;
  sent_.reset();
  std::vector<std::vector<at::Tensor>> said;
  if (to_each_other()) {
    comm_ = &comm;
    encode(x);
    send_to_other({})->wait();
    said = said_in_order();
  } else {
    send(comm, x);
    wait();
    for (int m = 0; m < workers_; ++m) said.push_back({gathered_[m]});
  }
  SquaredNorms norms;
  for (int m = 0; m < workers_; ++m) {
    norms += coder_->add_decoded(said[size_t(m)], slice(r_, m), workers_, slice(x, m));
  }
  PendingRound met = {.workers = workers_, .norms = norms, .again = comm_};
  coder_->lerp_to_known(x, r_, workers_, weight(met));
  return true;
}

}  // namespace valley
