#include "valley/algorithms/ssgd.h"

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/gradient_buckets.h"

namespace valley {
namespace {

class Ssgd : public EveryStepAlgorithm {
 public:
  explicit Ssgd(const SsgdOptions& options) : mean_(options.bucket_bytes) {}

  bool final_average_needed() const override { return false; }

 private:
  void begin(const at::Tensor& x) override { mean_.join(comm(), x); }

  void do_on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) override {
    mean_.part(g, begin, end);
  }

  void do_on_gradient(const StepInfo&, at::Tensor&, at::Tensor& g) override {
    mean_.finish(g);
    count_step();
  }

  GradientBuckets mean_;
};

}  // namespace

std::unique_ptr<Algorithm> make_ssgd(const SsgdOptions& options, const AlgorithmContext&) {
  check_ranges(options);
  return std::make_unique<Ssgd>(options);
}

}  // namespace valley
