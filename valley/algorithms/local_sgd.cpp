#include "valley/algorithms/local_sgd.h"

#include "valley/algorithms/rounds.h"

namespace valley {
namespace {

class LocalSgd : public RoundsAlgorithm {
 public:
  using RoundsAlgorithm::RoundsAlgorithm;

 private:
  RoundReport round(const StepInfo&, at::Tensor& x) override { return average_.round(x, comm()); }

  PullPush average_{{.pull = 1, .push = 0}};
};

}  // namespace

std::unique_ptr<Algorithm> make_local_sgd(const AlgorithmOptions& options,
                                          const AlgorithmContext& context) {
  return std::make_unique<LocalSgd>(options, context);
}

}  // namespace valley
