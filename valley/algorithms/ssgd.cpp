#include "valley/algorithms/ssgd.h"

#include <ATen/ops/zeros_like.h>

#include "valley/algorithms/every_step.h"
#include "valley/algorithms/gradient_buckets.h"
#include "valley/algorithms/mean_coder.h"

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

// Of which less is said, with error feedback.
class CodedSsgd : public EveryStepAlgorithm {
 public:
  explicit CodedSsgd(std::unique_ptr<MeanCoder> coder) : coder_(std::move(coder)) {
    keep("error", e_);
    for (const auto& [name, vector] : coder_->memory()) keep(name, *vector);
  }

  bool final_average_needed() const override { return false; }

 private:
  void begin(const at::Tensor& x) override { e_ = at::zeros_like(x); }

  void do_on_gradient(const StepInfo& info, at::Tensor&, at::Tensor& g) override {
    count_step();
    if (alone()) return;
    e_.add_(g);
    coder_->start(comm(), e_, info.step);
    coder_->finish(g.zero_());
  }

  std::unique_ptr<MeanCoder> coder_;
  at::Tensor e_;  // [d]
};

}  // namespace

std::unique_ptr<Algorithm> make_ssgd(const SsgdOptions& options, const AlgorithmContext& context) {
  check_ranges(options);
  if (options.wire == "none") return std::make_unique<Ssgd>(options);
  return std::make_unique<CodedSsgd>(make_mean_coder(options.wire, context));
}

}  // namespace valley
