#include "valley/testing/faulty_communicator.h"

#include <ATen/ops/from_blob.h>

#include <stdexcept>
#include <utility>

#include "valley/core/error.h"

namespace valley {
namespace {

at::Tensor view(const Call& call, const void* data) {
  return at::from_blob(const_cast<void*>(data), {call.numel}, at::dtype(call.dtype));
}

}  // namespace

FaultyCommunicator::FaultyCommunicator(std::unique_ptr<Communicator> inner, FaultyOptions options)
    : Communicator(inner->rank(), inner->size()),
      inner_(std::move(inner)),
      options_(options),
      backend_(inner_->backend()),
      shares_memory_(inner_->shares_memory()) {}

FaultyCommunicator::~FaultyCommunicator() { finish_started(); }

void FaultyCommunicator::abort(const std::string& reason) noexcept {
  if (inner_) inner_->abort(reason);
}

template <typename F>
void FaultyCommunicator::pass_on(Call& call, const F& f) {
  if (options_.fault != Fault::kNone && call.sequence >= options_.at_operation) {
    const std::string text = "injected fault in " + label(call);
    if (options_.fault == Fault::kAbort) inner_->abort(text);
    if (options_.fault == Fault::kVanish) {
      inner_.reset();
      throw CommError(text);
    }
    throw std::runtime_error(text);
  }
  if (call.stop) inner_->request_stop();
  f();
  call.stop = inner_->stop_agreed();
}

void FaultyCommunicator::do_all_reduce_sum(Call& call, const void* in, void* out,
                                           const ChunkCallback& on_chunk) {
  pass_on(call, [&] { inner_->all_reduce_sum(view(call, in), view(call, out), on_chunk); });
}

void FaultyCommunicator::do_all_gather(Call& call, const void* in, void* out) {
  pass_on(call, [&] {
    at::from_blob(out, {size(), call.numel}, at::dtype(call.dtype))
        .copy_(inner_->all_gather(view(call, in)));
  });
}

void FaultyCommunicator::do_broadcast(Call& call, void* x) {
  pass_on(call, [&] { inner_->broadcast(view(call, x), call.root); });
}

void FaultyCommunicator::do_exchange(Call& call, const std::vector<Message>& sends,
                                     const std::vector<Message>& receives) {
  pass_on(call, [&] { inner_->exchange(sends, receives); });
}

void FaultyCommunicator::do_barrier(Call& call) {
  pass_on(call, [&] { inner_->barrier(); });
}

void FaultyCommunicator::do_share(Call& call, std::shared_ptr<void>& object) {
  pass_on(call, [&] { object = inner_->share(object); });
}

std::vector<std::string> FaultyCommunicator::do_all_gather_text(Call& call,
                                                                const std::string& text) {
  std::vector<std::string> texts;
  pass_on(call, [&] { texts = inner_->all_gather_text(text); });
  return texts;
}

}  // namespace valley
