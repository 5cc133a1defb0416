#include "valley/algorithms/sparta.h"

#include "valley/algorithms/random_values.h"

namespace valley {
namespace {

class Sparta : public RandomValues {
 public:
  using RandomValues::RandomValues;

 private:
  void meet(at::Tensor& mine, uint64_t) override { comm().all_reduce_mean(mine); }
};

}  // namespace

std::unique_ptr<Algorithm> make_sparta(const SpartaOptions& options,
                                       const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<Sparta>("sparta", options.exchange_share, context.seed);
}

}  // namespace valley
