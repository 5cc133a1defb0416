#pragma once

#include <string>

#include "valley/algorithms/mean_coder.h"
#include "valley/algorithms/squeeze.h"

namespace valley {

/// A mean by a compressor C on both ways (squeeze.h), the owner of a slice with error feedback of
/// its own:
///
///     q_m = C(v_m),   s = e + (1/M) sum_m q_m,   Q = C(s),   e <- s - Q
///
/// What a worker says travels when it starts.
///
/// Cost: wire_bytes(). Memory: d, and what Squeeze needs. State: e, of the own slice.
///
/// Reference: Tang, Lian, Yu, Zhang and Liu, "DoubleSqueeze", ICML 2019, arXiv:1905.05957.
class SqueezedMean : public MeanCoder {
 public:
  SqueezedMean(const std::string& compress, uint64_t seed) : squeeze_(compress, seed) {}

  Memory memory() override { return {{"owner_error", &e_}}; }
  void regroup() override { e_.reset(); }
  void start(Communicator& comm, const at::Tensor& v, int64_t draw) override;
  void finish(at::Tensor& out) override { out.add_(said_); }

 private:
  Squeeze squeeze_;
  at::Tensor e_, said_;  // of the own slice; [d]
};

}  // namespace valley
