#include "valley/algorithms/ssgd.h"

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/gradient_buckets.h"

namespace valley {
namespace {

class Ssgd : public EveryStepAlgorithm {
 public:
  Ssgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : EveryStepAlgorithm(context), mean_(context.comm, options.bucket_bytes) {}

  void before_gradient(const StepInfo&, at::Tensor& x) override { mean_.expect(x); }
  void on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) override {
    mean_.part(g, begin, end);
  }
  void on_gradient(const StepInfo&, at::Tensor&, at::Tensor& g) override {
    mean_.finish(g);
    count_step();
  }
  bool final_average_needed() const override { return false; }

 private:
  GradientBuckets mean_;
};

}  // namespace

std::unique_ptr<Algorithm> make_ssgd(const AlgorithmOptions& options,
                                     const AlgorithmContext& context) {
  return std::make_unique<Ssgd>(options, context);
}

}  // namespace valley
