#include "valley/train/extra_gradient.h"

#include <utility>

#include "valley/core/clock.h"
#include "valley/core/random.h"

namespace valley {

ExtraGradient::ExtraGradient(std::shared_ptr<const Dataset> train, Sampler& sampler,
                             Gradient& gradient, uint64_t seed, int worker)
    : train_(std::move(train)),
      sampler_(sampler),
      gradient_(gradient),
      seed_(seed),
      worker_(worker) {}

std::vector<double> ExtraGradient::norms(int64_t step) {
  const ScopedTimer timer(seconds_);
  if (!loader_) {
    loader_.emplace(train_, *train_, Augmentation{}, seed_, worker_, gradient_.device());
  }
  Random random(derive_seed(seed_, worker_, "gradient norms", step));
  std::vector<int64_t> indices(sampler_.batch(step).size());
  for (int64_t& index : indices) index = sampler_.random_example(random);
  return gradient_.norms(loader_->gather(indices, step));
}

double ExtraGradient::take_seconds() { return std::exchange(seconds_, 0.0); }

}  // namespace valley
