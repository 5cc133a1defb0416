// Compiled where LibTorch has NCCL.
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "valley/comm/c10d_group.h"
#include "valley/comm/c10d_store.h"
#include "valley/comm/group.h"
#include "valley/comm/host_communicator.h"
#include "valley/comm/meeting.h"
#include "valley/comm/nccl.h"
#include "valley/comm/process_group_join.h"
#include "valley/core/error.h"

namespace valley {
namespace {

// Two workers of a group on one GPU are refused by NCCL, after a while and in its own words.
void take_gpu(int local_rank) {
  const auto* cuda = c10::impl::hasDeviceGuardImpl(c10::DeviceType::CUDA)
                         ? c10::impl::getDeviceGuardImpl(c10::DeviceType::CUDA)
                         : nullptr;
  const int gpus = cuda == nullptr ? 0 : static_cast<int>(cuda->deviceCount());
  require(local_rank < gpus,
          "{} nccl needs a GPU for each worker: LibTorch finds {} here, and this is worker {} of "
          "this machine, counted from 0",
          Key{"backend"}, gpus, local_rank);
  cuda->setDevice(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(local_rank)));
}

c10::intrusive_ptr<c10d::ProcessGroup> nccl_group(const c10::intrusive_ptr<c10d::Store>& store,
                                                  const JoinOptions& options) {
  using Nccl = c10d::ProcessGroupNCCL;
  const auto nccl = Nccl::Options::create();
  nccl->timeout = c10d_timeout(options.timeout_seconds);
  return group_of<c10d::ProcessGroup>(
      c10::make_intrusive<Nccl>(store, options.rank, options.size, nccl), store, GroupKind::kNccl);
}

}  // namespace

Capabilities nccl_capabilities() {
  Capabilities all = host_capabilities(/*shares_memory=*/false);
  all.devices = {c10::DeviceType::CPU, c10::DeviceType::CUDA};
  return all;
}

std::unique_ptr<Communicator> make_nccl(const JoinOptions& options) {
  require_valid(options);
  if (options.size == 1) return make_solo();
  take_gpu(options.local_rank);  // before anybody waits
  ProcessGroupOptions kind{.devices = nccl_capabilities().devices, .name = "nccl"};
  return join_process_group(options, &nccl_group, std::move(kind));
}

}  // namespace valley
