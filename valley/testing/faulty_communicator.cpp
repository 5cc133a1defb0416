#include "valley/testing/faulty_communicator.h"

#include <stdexcept>
#include <utility>

#include "valley/core/error.h"

namespace valley {

FaultyCommunicator::FaultyCommunicator(std::unique_ptr<Communicator> inner, FaultyOptions options,
                                       Count operations)
    : ForwardingCommunicator(std::move(inner)),
      options_(options),
      operations_(std::move(operations)) {}

void FaultyCommunicator::pass_on(Call& call, const std::function<void()>& operation) {
  if (++*operations_ < options_.at_operation || options_.fault == Fault::kNone) {
    return operation();
  }
  const std::string text = "injected fault in " + label(call);
  if (options_.fault == Fault::kAbort) abort(text);
  if (options_.fault == Fault::kVanish) {
    take_inner();
    throw CommError(text);
  }
  throw std::runtime_error(text);
}

std::unique_ptr<Communicator> FaultyCommunicator::wrap(std::unique_ptr<Communicator> part) const {
  return std::make_unique<FaultyCommunicator>(std::move(part), options_, operations_);
}

}  // namespace valley
