#include "valley/analysis/sum_over_threads.h"

#include <ATen/Parallel.h>

#include <utility>

#include "valley/comm/group.h"

namespace valley {

at::Tensor sum_over_threads(int threads, const std::function<at::Tensor(Communicator&)>& fn) {
  std::vector<at::Tensor> sums(static_cast<size_t>(threads));
  const int caller_threads = at::get_num_threads();
  run_threads(threads, [&](Communicator& comm) {
    at::set_num_threads(1);
    sums[static_cast<size_t>(comm.rank())] = fn(comm);
  });
  at::set_num_threads(caller_threads);  // of this thread, which was worker 0 if it was alone
  for (size_t i = 1; i < sums.size(); ++i) sums[0].add_(std::exchange(sums[i], {}));
  return sums[0];
}

void add_parts(at::Tensor sum, const std::vector<at::Tensor>& parts,
               const std::vector<NamedRange>& ranges) {
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].defined()) continue;
    sum.narrow(0, ranges[i].offset, ranges[i].size).add_(parts[i].detach().reshape(-1));
  }
}

}  // namespace valley
