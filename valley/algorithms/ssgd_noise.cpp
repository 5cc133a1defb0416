#include "valley/algorithms/ssgd_noise.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty_like.h>

#include <cmath>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/gradient_buckets.h"
#include "valley/core/random.h"

namespace valley {
namespace {

class SsgdNoise : public EveryStepAlgorithm {
 public:
  SsgdNoise(const SsgdNoiseOptions& options, const AlgorithmContext& context)
      : noise_(options.noise), seed_(context.seed), mean_(options.bucket_bytes) {}

  bool final_average_needed() const override { return false; }

 private:
  void begin(const at::Tensor& x) override { mean_.join(comm(), x); }

  void do_before_gradient(const StepInfo& info, at::Tensor& x) override {
    if (noise_ == 0) return;
    if (!before_.defined()) {
      before_ = at::empty_like(x);
      e_ = at::empty_like(x, x.options().device(at::kCPU));  // the same draws on every device
    }
    before_.copy_(x);
    auto generator = at::make_generator<at::CPUGeneratorImpl>(
        derive_seed(seed_, comm().rank(), "ssgd-noise", info.step));
    x.add_(e_.normal_(0, noise_, generator).to(x.device()));
  }

  void do_on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) override {
    mean_.part(g, begin, end);
  }

  void do_on_gradient(const StepInfo&, at::Tensor& x, at::Tensor& g) override {
    if (noise_ > 0) x.copy_(before_);
    mean_.finish(g);
    count_step();
  }

  double noise_;
  uint64_t seed_;
  GradientBuckets mean_;
  at::Tensor before_, e_;  // [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_ssgd_noise(const SsgdNoiseOptions& options,
                                           const AlgorithmContext& context) {
  check_ranges(options);
  return std::make_unique<SsgdNoise>(options, context);
}

}  // namespace valley
