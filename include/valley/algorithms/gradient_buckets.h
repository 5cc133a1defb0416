#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "valley/comm/communicator.h"

namespace valley {

/// The mean gradient of all workers, bucket by bucket while backward still works.
///
///     g <- (1/M) sum_m g_m
///
/// The gradient travels in buckets of contiguous ranges of g, from its end to its start (the order
/// in which backward finishes them), each as soon as it is complete. All workers start the buckets
/// in the same order. The first is a quarter of the others, so that the link is busy early: of a
/// network whose first layer is most of it, one of their size would wait for all of backward.
///
/// Cost: all-reduces of d values together.
///
/// Reference: Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel
/// Training", VLDB 2020, arXiv:2006.15704, for bucketing and overlap.
class GradientBuckets {
 public:
  /// `bucket_bytes` is at least 1.
  explicit GradientBuckets(int64_t bucket_bytes);

  /// The workers, and a vector of the gradient's size and dtype.
  void join(Communicator& comm, const at::Tensor& like);

  /// [begin, end) of g is final.
  void part(at::Tensor& g, int64_t begin, int64_t end);

  /// All of g is final; returns when g is the mean.
  void finish(at::Tensor& g);

 private:
  static constexpr int64_t kFirst = 4;  // times as small

  struct Bucket {
    int64_t begin, end, missing;
  };

  void expect();  // everything of the next gradient is still to come
  void start_next(at::Tensor& g);

  Communicator* comm_ = nullptr;
  int64_t bucket_bytes_;
  std::vector<Bucket> buckets_;  // in the order they are sent
  size_t next_ = 0;              // the first bucket not started
  std::vector<std::unique_ptr<Work>> works_;
};

}  // namespace valley
