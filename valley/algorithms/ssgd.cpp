#include "valley/algorithms/ssgd.h"

#include <ATen/ops/scalar_tensor.h>

#include <algorithm>

#include "valley/core/error.h"

namespace valley {
namespace {

class Ssgd : public Algorithm {
 public:
  Ssgd(const AlgorithmOptions& options, const AlgorithmContext& context)
      : comm_(context.comm), bucket_bytes_(options.bucket_bytes) {
    require(bucket_bytes_ > 0, "--bucket-bytes must be at least 1, got {}", bucket_bytes_);
  }

  void before_gradient(const StepInfo&, at::Tensor& x) override { expect_gradient(x); }

  void on_gradient_part(at::Tensor& g, int64_t begin, int64_t end) override {
    for (Bucket& bucket : buckets_) {
      bucket.missing -=
          std::max<int64_t>(0, std::min(end, bucket.end) - std::max(begin, bucket.begin));
    }
    while (next_ < buckets_.size() && buckets_[next_].missing == 0) start_next(g);
  }

  void on_gradient(const StepInfo&, at::Tensor&, at::Tensor& g) override {
    if (buckets_.empty()) expect_gradient(g);  // a loop without before_gradient
    while (next_ < buckets_.size()) start_next(g);
    for (auto& work : works_) work->wait();
    works_.clear();
    g.div_(comm_.size());
    ++steps_;
    expect_gradient(g);
  }

  const std::optional<RoundReport>& last_round() const override { return none_; }
  int64_t rounds() const override { return steps_; }
  int64_t period() const override { return 1; }
  bool final_average_needed() const override { return false; }
  void start_at(int64_t) override { steps_ = 0; }

  std::vector<std::pair<std::string, at::Tensor>> state() const override {
    return {{"steps", at::scalar_tensor(steps_, at::kLong)}};
  }
  void load_state(const std::vector<std::pair<std::string, at::Tensor>>& state) override {
    require(state.size() == 1 && state[0].first == "steps",
            "the checkpoint is of another algorithm than ssgd");
    steps_ = state[0].second.item<int64_t>();
  }

 private:
  struct Bucket {
    int64_t begin, end, missing;
  };

  // Everything of the next gradient is still to come; `like` has its size and dtype.
  void expect_gradient(const at::Tensor& like) {
    if (buckets_.empty()) make_buckets(like.numel(), like.element_size());
    for (Bucket& bucket : buckets_) bucket.missing = bucket.end - bucket.begin;
    next_ = 0;
  }

  void make_buckets(int64_t d, int64_t element_size) {
    const int64_t size = std::max<int64_t>(1, bucket_bytes_ / element_size);
    for (int64_t end = d; end > 0; end -= size) {
      buckets_.push_back({std::max<int64_t>(0, end - size), end, 0});
    }
  }

  void start_next(at::Tensor& g) {
    const Bucket& bucket = buckets_[next_++];
    const at::Tensor part = g.narrow(0, bucket.begin, bucket.end - bucket.begin);
    works_.push_back(comm_.start_all_reduce_sum(part, part));
  }

  Communicator& comm_;
  int64_t bucket_bytes_;
  std::vector<Bucket> buckets_;  // in the order they are sent
  size_t next_ = 0;              // the first bucket not started
  std::vector<std::unique_ptr<Work>> works_;
  int64_t steps_ = 0;
  std::optional<RoundReport> none_;
};

}  // namespace

std::unique_ptr<Algorithm> make_ssgd(const AlgorithmOptions& options,
                                     const AlgorithmContext& context) {
  return std::make_unique<Ssgd>(options, context);
}

}  // namespace valley
