#include "valley/algorithms/participants.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "valley/compression/payload.h"
#include "valley/core/random.h"
#include "valley/core/subset.h"

namespace valley {

std::vector<bool> Participants::of(int64_t round, int workers) const {
  std::vector<bool> result(static_cast<size_t>(workers), false);
  Random random(derive_seed(seed_, 0, "participants", round));
  for (const int64_t m : random_subset(count_of(share_, workers), workers, random)) {
    result[static_cast<size_t>(m)] = true;
  }
  return result;
}

PendingRound MeanOfSome::meet(Communicator& comm, const at::Tensor& x, int64_t round) {
  const std::vector<bool> speaks = participants_.of(round, comm.size());
  const auto speakers = static_cast<int>(std::count(speaks.begin(), speaks.end(), true));
  const bool mine = speaks[static_cast<size_t>(comm.rank())];
  const int64_t values = said(x.numel());
  if (!sum_.defined() || sum_.numel() != values) sum_ = at::empty({values}, x.options());
  comm.all_reduce_sum(mine ? say(x) : at::zeros({values}, x.options()), sum_);
  hear(sum_, speakers, mine);
  return {.sum = sum_.narrow(0, 0, x.numel()), .workers = speakers};
}

}  // namespace valley
