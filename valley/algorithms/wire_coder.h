#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/algorithms/half_kernels.h"
#include "valley/comm/squared_norms.h"
#include "valley/compression/compressor.h"

namespace valley {

/// Differences, coded by a compressor C that takes values block by block: in runs that stay in
/// cache from pass to pass. A payload of many runs is that of all values at once.
class WireCoder {
 public:
  /// @throws UsageError as check_wire() does.
  explicit WireCoder(const std::string& wire);

  /// Whether what C drops must be sent later: all but bf16 and fp16.
  bool drops() const { return drops_; }

  /// Of a payload of `size` values like x.
  int64_t bytes(int64_t size, const at::Tensor& x) const {
    return compressor_->bytes(size, int64_t(x.element_size()));
  }

  /// payload <- C(x - from), and known <- from + C(x - from) where it is defined; x, from and known
  /// [n].
  void encode(const at::Tensor& x, const at::Tensor& from, const at::Tensor& payload,
              const at::Tensor& known);

  /// r <- r + what the payload says, and sum <- workers r, [n]; the norms of x against that, where
  /// it is defined.
  SquaredNorms add_decoded(const at::Tensor& payload, const at::Tensor& r, const at::Tensor& sum,
                           int workers, const at::Tensor& x);

  /// Whether values like x are coded by loops of our own, one pass for several things: then there
  /// are these two.
  bool adds_in_passing(const at::Tensor& x) const { return fused_half(x).has_value(); }

  /// As add_decoded(), without the sum: r <- r + what the payload says, and the norms of x. Of two
  /// payloads: what average() would make of them.
  SquaredNorms add_decoded(const std::vector<at::Tensor>& payloads, const at::Tensor& r,
                           int workers, const at::Tensor& x);

  /// lerp_to_mean() of the sum that add_decoded() would have written, workers r.
  void lerp_to_known(at::Tensor& x, const at::Tensor& r, int workers, double weight) const;

  /// payload <- C(s) with s = e + the mean of what `payloads` say, e [n]; if C drops much,
  /// e <- s - C(s).
  void average(const std::vector<at::Tensor>& payloads, const at::Tensor& e,
               const at::Tensor& payload);

 private:
  static constexpr int64_t kRun = 128 * kInt8Block;  // values; what is made of them stays in cache

  static uint16_t* halves(const at::Tensor& payload) {
    return reinterpret_cast<uint16_t*>(payload.data_ptr<uint8_t>());
  }

  /// f(begin, size, room for as many values) for every run of n values.
  template <typename F>
  void each_run(int64_t n, const at::Tensor& like, const F& f) {
    const int64_t longest = std::min(n, kRun);
    for (at::Tensor* run : {&scratch_, &total_}) {
      if (!run->defined() || run->numel() < longest) *run = at::empty({longest}, like.options());
    }
    for (int64_t begin = 0; begin < n; begin += longest) {
      const int64_t size = std::min(longest, n - begin);
      f(begin, size, scratch_.narrow(0, 0, size));
    }
  }
  at::Tensor part(const at::Tensor& payload, int64_t begin, int64_t size,
                  const at::Tensor& like) const;

  /// The format of halves that are passed over by loops of our own.
  std::optional<Half> fused_half(const at::Tensor& like) const;

  std::unique_ptr<Compressor> compressor_;
  std::string wire_;
  bool drops_;
  at::Tensor scratch_, total_;  // a run
};

}  // namespace valley
