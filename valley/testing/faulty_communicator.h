#pragma once

#include <atomic>
#include <memory>

#include "valley/comm/forwarding_communicator.h"

namespace valley {

enum class Fault {
  kNone,
  kThrow,   ///< the worker's own code fails: std::runtime_error, the group is told by nobody
  kAbort,   ///< abort() and then std::runtime_error
  kVanish,  ///< the communicator is destroyed, then CommError, as if this worker had died
};

struct FaultyOptions {
  Fault fault = Fault::kNone;
  /// The first that fails; operations count from 1, those of parts split off it included.
  int64_t at_operation = 1;
};

/// Passes every operation on to `inner`, up to the one that fails with
/// "injected fault in all_reduce 3".
class FaultyCommunicator : public ForwardingCommunicator {
 public:
  /// How many operations there were; shared by the parts.
  using Count = std::shared_ptr<std::atomic<int64_t>>;

  FaultyCommunicator(std::unique_ptr<Communicator> inner, FaultyOptions options,
                     Count operations = std::make_shared<std::atomic<int64_t>>(0));
  ~FaultyCommunicator() override { finish_started(); }

 private:
  void pass_on(Call& call, const std::function<void()>& operation) override;
  std::unique_ptr<Communicator> wrap(std::unique_ptr<Communicator> part) const override;

  FaultyOptions options_;
  Count operations_;
};

}  // namespace valley
