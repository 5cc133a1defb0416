#include "valley/algorithms/random_values.h"

#include <ATen/ops/tensor.h>

#include "valley/compression/payload.h"
#include "valley/core/random.h"
#include "valley/core/subset.h"

namespace valley {

void RandomValues::do_after_step(const StepInfo& info, at::Tensor& x) {
  count_step();
  if (alone()) return;
  const uint64_t draw = derive_seed(seed_, 0, purpose_, info.step);
  Random random(draw);
  const int64_t d = x.numel();
  const at::Tensor places =
      at::tensor(random_subset(count_of(share_, d), d, random)).to(x.device());
  at::Tensor mine = x.index_select(0, places);
  meet(mine, draw);
  x.index_copy_(0, places, mine);
}

}  // namespace valley
