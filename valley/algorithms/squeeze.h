#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "valley/comm/communicator.h"
#include "valley/compression/compressor.h"

namespace valley {

/// A mean that is compressed on both ways: each worker owns one of M slices of a vector, gets what
/// the others have of it, and says the mean.
///
///     q_m = C(v_m)                      slice by slice, to their owners
///     s   = (what the owner makes of (1/M) sum_m q_m)
///     Q   = C(s)                        to all
///
/// What becomes of the errors is the method's: to_owners() and to_all() leave them in what they
/// were given.
///
/// Cost: M payloads of ceil(d / M) values. Memory: 3 M payloads of a slice.
class Squeeze {
 public:
  /// `compress` as make_compressor() takes it.
  Squeeze(const std::string& compress, uint64_t seed);

  void join(Communicator& comm, const at::Tensor& like);

  /// This worker's own slice of a vector.
  at::Tensor own(const at::Tensor& x) const { return slice(x, comm_->rank()); }

  /// v [d] <- v - C(v), and the mean over the workers of C(v), of the slice that is this worker's
  /// own.
  at::Tensor to_owners(at::Tensor& v, int64_t step);

  /// s, of the own slice, <- s - C(s), and out [d] <- out + C(s) of all slices.
  void to_all(at::Tensor s, int64_t step, at::Tensor& out);

 private:
  at::Tensor slice(const at::Tensor& x, int m) const;
  void code(at::Tensor v, uint64_t draw, at::Tensor payload) const;
  at::Tensor decoded(const at::Tensor& payload, const at::Tensor& like) const;

  std::unique_ptr<Compressor> compressor_;
  uint64_t seed_;
  Communicator* comm_ = nullptr;
  int64_t size_ = 0;             // of a slice; the last ones may be shorter
  at::Tensor coded_, received_;  // uint8 [M, bytes]
  at::Tensor said_;              // uint8 [bytes]
};

}  // namespace valley
