#pragma once

#include <memory>
#include <string>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

enum class Fault {
  kNone,
  kThrow,   ///< the worker's own code fails: std::runtime_error, the group is told by nobody
  kAbort,   ///< abort() and then std::runtime_error
  kVanish,  ///< the communicator is destroyed, then CommError, as if this worker had died
};

struct FaultyOptions {
  Fault fault = Fault::kNone;
  int64_t at_operation = 1;  ///< the first that fails; operations count from 1
};

/// Passes every operation on to `inner`, up to the one that fails with
/// "injected fault in all_reduce 3".
class FaultyCommunicator : public Communicator {
 public:
  FaultyCommunicator(std::unique_ptr<Communicator> inner, FaultyOptions options);
  ~FaultyCommunicator() override;

  std::string_view backend() const override { return backend_; }
  void abort(const std::string& reason) noexcept override;
  bool shares_memory() const override { return shares_memory_; }

 protected:
  void do_all_reduce_sum(Call& call, const void* in, void* out,
                         const ChunkCallback& on_chunk) override;
  void do_all_gather(Call& call, const void* in, void* out) override;
  void do_broadcast(Call& call, void* x) override;
  void do_exchange(Call& call, const std::vector<Message>& sends,
                   const std::vector<Message>& receives) override;
  void do_barrier(Call& call) override;
  void do_share(Call& call, std::shared_ptr<void>& object) override;
  std::vector<std::string> do_all_gather_text(Call& call, const std::string& text) override;

 private:
  template <typename F>
  void pass_on(Call& call, const F& f);

  std::unique_ptr<Communicator> inner_;
  FaultyOptions options_;
  std::string backend_;
  bool shares_memory_;
};

}  // namespace valley
