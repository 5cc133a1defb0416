#pragma once

#include <memory>

#include "valley/comm/capabilities.h"
#include "valley/comm/communicator.h"
#include "valley/comm/join.h"

namespace valley {

/// Of the communicators of make_nccl().
Capabilities nccl_capabilities();

/// One worker of a group of processes with a GPU each, over NCCL as LibTorch has it. size 1: solo.
///
/// The worker's GPU is that of its number among the workers of its machine (options.local_rank),
/// which becomes the calling thread's own: "cuda" means it from then on. Headers, texts and tensors
/// on the CPU go over a Gloo group of LibTorch beside it, so that mismatches and who is lost are
/// named as over any process group; see make_process_group().
///
/// @throws UsageError if LibTorch finds fewer GPUs than the machine has workers; else as
/// make_gloo().
std::unique_ptr<Communicator> make_nccl(const JoinOptions& options);

}  // namespace valley
