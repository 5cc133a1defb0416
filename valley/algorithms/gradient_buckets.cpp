#include "valley/algorithms/gradient_buckets.h"

#include <algorithm>

namespace valley {

GradientBuckets::GradientBuckets(int64_t bucket_bytes) : bucket_bytes_(bucket_bytes) {}

void GradientBuckets::join(Communicator& comm, const at::Tensor& like) {
  comm_ = &comm;
  buckets_.clear();
  const int64_t most = std::max<int64_t>(1, bucket_bytes_ / like.element_size());
  for (int64_t end = like.numel(); end > 0;) {
    const int64_t size = buckets_.empty() ? std::max<int64_t>(1, most / kFirst) : most;
    buckets_.push_back({std::max<int64_t>(0, end - size), end, 0});
    end = buckets_.back().begin;
  }
  expect();
}

void GradientBuckets::expect() {
  for (Bucket& bucket : buckets_) bucket.missing = bucket.end - bucket.begin;
  next_ = 0;
}

void GradientBuckets::part(at::Tensor& g, int64_t begin, int64_t end) {
  for (Bucket& bucket : buckets_) {
    bucket.missing -=
        std::max<int64_t>(0, std::min(end, bucket.end) - std::max(begin, bucket.begin));
  }
  while (next_ < buckets_.size() && buckets_[next_].missing == 0) start_next(g);
}

void GradientBuckets::finish(at::Tensor& g) {
  while (next_ < buckets_.size()) start_next(g);
  for (auto& work : works_) work->wait();
  works_.clear();
  g.div_(comm_->size());
  expect();
}

void GradientBuckets::start_next(at::Tensor& g) {
  const Bucket& bucket = buckets_[next_++];
  const at::Tensor part = g.narrow(0, bucket.begin, bucket.end - bucket.begin);
  works_.push_back(comm_->start_all_reduce_sum(part, part));
}

}  // namespace valley
