#pragma once

#include <utility>
#include <vector>

#include "valley/comm/chunks.h"
#include "valley/comm/communicator.h"

namespace valley {

/// What backends can take whose workers add up by themselves: float and double. Threads that share
/// memory take tensors on a device, too.
const Capabilities& host_capabilities(bool shares_memory);

/// A backend that adds up on the calling thread and can say when a part of the sum is final. What
/// is made of the sum, a mean or norms, is made while that part is in cache. Of tensors elsewhere
/// (fused.h says no) the sum is one part, and queued on the device rather than done.
class HostCommunicator : public Communicator {
 public:
  const Capabilities& capabilities() const override { return capabilities_; }

 protected:
  HostCommunicator(int rank, std::vector<int> global_ranks, bool shares_memory)
      : Communicator(rank, std::move(global_ranks)),
        capabilities_(host_capabilities(shares_memory)) {}

  /// do_all_reduce_sum(), with a call of `on_chunk`, where there is one, for each part.
  virtual void sum_in_chunks(Call& call, const at::Tensor& in, at::Tensor& out,
                             const ChunkCallback& on_chunk) = 0;

 private:
  void do_all_reduce_sum(Call& call, const at::Tensor& in, at::Tensor& out) final;
  SquaredNorms do_all_reduce_sum_norms(Call& call, const at::Tensor& x, at::Tensor& sum) final;
  void do_all_reduce_mean(Call& call, at::Tensor& x) final;

  const Capabilities& capabilities_;
};

}  // namespace valley
