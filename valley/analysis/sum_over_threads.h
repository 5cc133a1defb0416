#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "valley/comm/communicator.h"
#include "valley/optim/flat_parameters.h"

namespace valley {

/// What fn gives on each of `threads` threads, added up in the order of ranks. Each computes on one
/// core: what is shared is the caller's work, dealt by the communicator's rank.
at::Tensor sum_over_threads(int threads, const std::function<at::Tensor(Communicator&)>& fn);

/// Adds `parts`, one for each range and undefined where it is zero, to `sum` [d].
void add_parts(at::Tensor sum, const std::vector<at::Tensor>& parts,
               const std::vector<NamedRange>& ranges);

}  // namespace valley
