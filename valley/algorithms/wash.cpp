#include "valley/algorithms/wash.h"

#include <ATen/ops/tensor.h>

#include <numeric>
#include <vector>

#include "valley/algorithms/random_values.h"
#include "valley/core/random.h"
#include "valley/core/shuffle.h"

namespace valley {
namespace {

class Wash : public RandomValues {
 public:
  using RandomValues::RandomValues;

 private:
  void meet(at::Tensor& mine, uint64_t draw) override {
    const at::Tensor all = comm().all_gather(mine);  // [M, k]
    Random random(derive_seed(draw, 0, "wash order"));
    std::vector<int64_t> order(static_cast<size_t>(comm().size())), from;
    for (int64_t i = 0; i < mine.numel(); ++i) {
      std::iota(order.begin(), order.end(), 0);
      shuffle(order, random);
      from.push_back(order[static_cast<size_t>(comm().rank())]);
    }
    mine.copy_(all.gather(0, at::tensor(from).to(mine.device()).unsqueeze(0)).squeeze(0));
  }
};

}  // namespace

std::unique_ptr<Algorithm> make_wash(const WashOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<Wash>("wash", options.exchange_share, context.seed);
}

}  // namespace valley
