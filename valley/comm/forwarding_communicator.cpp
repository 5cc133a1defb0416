#include "valley/comm/forwarding_communicator.h"

namespace valley {

ForwardingCommunicator::ForwardingCommunicator(std::unique_ptr<Communicator> inner)
    : Communicator(inner->rank(), inner->global_ranks()),
      inner_(std::move(inner)),
      backend_(inner_->backend()),
      capabilities_(inner_->capabilities()) {}

template <typename Operation>
void ForwardingCommunicator::forward(Call& call, const Operation& operation) {
  pass_on(call, [&] {
    if (call.stop) inner_->request_stop();
    operation(*inner_);
    call.stop = inner_->stop_agreed();
  });
}

void ForwardingCommunicator::do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) {
  forward(call, [&](Communicator& inner) { inner.all_reduce_sum(in, out); });
}

SquaredNorms ForwardingCommunicator::do_all_reduce_sum_norms(Call& call, const at::Tensor& x,
                                                             at::Tensor& sum) {
  SquaredNorms norms;
  forward(call, [&](Communicator& inner) { norms = inner.all_reduce_sum_norms(x, sum); });
  return norms;
}

SquaredNorms ForwardingCommunicator::do_all_reduce_lerp(Call& call, at::Tensor& x, at::Tensor& room,
                                                        const WeightOfNorms& weight) {
  SquaredNorms norms;
  forward(call, [&](Communicator& inner) { norms = inner.all_reduce_lerp(x, room, weight); });
  return norms;
}

void ForwardingCommunicator::do_all_reduce_mean(Call& call, at::Tensor& x) {
  forward(call, [&](Communicator& inner) { inner.all_reduce_mean(x); });
}

void ForwardingCommunicator::do_all_gather(Call& call, const at::Tensor& in, at::Tensor& out) {
  forward(call, [&](Communicator& inner) { out.copy_(inner.all_gather(in)); });
}

void ForwardingCommunicator::do_broadcast(Call& call, at::Tensor& x) {
  forward(call, [&](Communicator& inner) { inner.broadcast(x, call.root); });
}

void ForwardingCommunicator::do_exchange(Call& call, const std::vector<Message>& sends,
                                         const std::vector<Message>& receives) {
  forward(call, [&](Communicator& inner) { inner.exchange(sends, receives); });
}

void ForwardingCommunicator::do_barrier(Call& call) {
  forward(call, [&](Communicator& inner) { inner.barrier(); });
}

std::vector<std::string> ForwardingCommunicator::do_all_gather_text(Call& call,
                                                                    const std::string& text) {
  std::vector<std::string> texts;
  forward(call, [&](Communicator& inner) {
    texts = call.root < 0 ? inner.all_gather_text(text) : inner.gather_text(text);
  });
  return texts;
}

void ForwardingCommunicator::do_share(Call& call, std::shared_ptr<void>& object) {
  forward(call, [&](Communicator& inner) { object = inner.share(object); });
}

// The workers have passed the gathering of the colors on already.
std::unique_ptr<Communicator> ForwardingCommunicator::do_split(Call&,
                                                               const std::vector<int>& members) {
  return wrap(inner_->split(members.front()));
}

// Of another worker's loss the other communicator knows by itself.
void ForwardingCommunicator::do_lose(int, const std::string& reason) noexcept {
  if (inner_) inner_->abort(reason);
}

}  // namespace valley
