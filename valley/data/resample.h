#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace valley {

/// Brings samples from one rate to another by a windowed sinc: with f = min(1, to / from) and
/// everything in samples of the input,
///
///     y_j = sum_i h(j from / to - i) x_i,    h(t) = c f r sinc(f r t) kaiser(t / w)
///
/// r = 0.94 leaves room for the filter to fall before half the lower rate, w = 24 / (f r) is half
/// the filter's length, the Kaiser window's beta is 8.6, and c makes the sum of h over i exactly 1,
/// so that a constant stays what it is. Frequencies that the lower rate cannot hold are damped by
/// some 80 dB.
///
/// Cost: 48 / f r multiplications a sample; the filter's values once a pair of rates.
///
/// Reference: Smith, "Digital audio resampling home page",
/// https://ccrma.stanford.edu/~jos/resample/.
class Resampler {
 public:
  /// Both rates at least 1.
  Resampler(int64_t from, int64_t to);

  /// [n] float32 -> [ceil(n to / from)] float32; beyond its ends a sound is silent.
  at::Tensor operator()(const at::Tensor& samples) const;

 private:
  int64_t up_, down_;                        // to and from, without what divides both
  int64_t reach_;                            // samples to the left of a place
  std::vector<std::vector<double>> filter_;  // of every phase, from i = floor(place) - reach + 1
};

}  // namespace valley
