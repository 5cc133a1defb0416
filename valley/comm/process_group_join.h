#pragma once

#include <c10/util/intrusive_ptr.h>

#include <functional>
#include <memory>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "valley/comm/communicator.h"
#include "valley/comm/join.h"
#include "valley/comm/process_group.h"

namespace valley {

/// This worker's end of a group of c10d, of which the store knows; all workers call it at once.
using MakeGroup = std::function<c10::intrusive_ptr<c10d::ProcessGroup>(
    const c10::intrusive_ptr<c10d::Store>& store, const JoinOptions& options)>;

/// This process as a worker of a group of c10d that is made for it, beside one of c10d's Gloo
/// groups that carries headers, texts and what is on the CPU. The workers meet as those of `gloo`
/// do (make_gloo()) and compare their cards before either group is made. Of `kind` name, devices
/// and the parts' interface are read.
/// @throws UsageError, CommError as make_gloo(); what c10d throws as CommError
std::unique_ptr<Communicator> join_process_group(const JoinOptions& options, const MakeGroup& make,
                                                 ProcessGroupOptions kind);

}  // namespace valley
