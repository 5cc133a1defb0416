#include "valley/data/log_mel.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/hann_window.h>
#include <ATen/ops/zeros.h>
#include <c10/util/string_view.h>

#include <algorithm>
#include <cmath>

namespace valley {
namespace {

double mel(double hertz) { return 2595 * std::log10(1 + hertz / 700); }

}  // namespace

at::Tensor centred(const at::Tensor& samples, int64_t size) {
  const int64_t n = samples.size(0);
  if (n >= size) return samples.narrow(0, (n - size) / 2, size);
  const int64_t before = (size - n) / 2;
  return at::constant_pad_nd(samples, {before, size - n - before});
}

at::Tensor power_spectrum(const at::Tensor& samples, const LogMelOptions& o) {
  const at::Tensor window = at::hann_window(o.window, /*periodic=*/true, at::kDouble);
  const at::Tensor frames = samples.to(at::kDouble).unfold(0, o.window, o.hop) * window;
  // "backward": unscaled, the default. Left out, GCC 12 takes it for uninitialised under
  // sanitizers.
  const at::Tensor spectrum = at::fft_rfft(frames, o.fft, -1, c10::string_view("backward"));
  const at::Tensor power = spectrum.abs().square().div(double(o.fft));
  power.narrow(1, 1, (o.fft - 1) / 2).mul_(2);  // the frequencies that have a negative twin
  return power;
}

at::Tensor mel_filters(const LogMelOptions& o) {
  const int64_t points = o.fft / 2 + 1;
  const at::Tensor filters = at::zeros({o.bands, points}, at::kDouble);
  double* weight = filters.data_ptr<double>();
  const double step = mel(double(o.sample_rate) / 2) / double(o.bands + 1);
  for (int64_t b = 0; b < o.bands; ++b)
    for (int64_t k = 0; k < points; ++k) {
      const double hertz = double(k) * double(o.sample_rate) / double(o.fft);
      *weight++ = std::max(0.0, 1 - std::abs(mel(hertz) / step - double(b + 1)));
    }
  return filters;
}

at::Tensor log_mel(const at::Tensor& samples, int64_t frames, const LogMelOptions& o) {
  const at::Tensor power =
      power_spectrum(centred(samples, o.window + (frames - 1) * o.hop), o);  // [frames, points]
  const at::Tensor energy = power.matmul(mel_filters(o).t());
  return energy.add(o.floor).log().to(at::kFloat);
}

void normalise_bands(const at::Tensor& train, const std::vector<at::Tensor>& parts) {
  const at::Tensor values = train.to(at::kDouble).reshape({-1, train.size(-1)});
  const at::Tensor mean = values.mean(0), deviation = values.std(0, /*unbiased=*/false);
  deviation.masked_fill_(deviation.le(1e-6), 1);
  for (at::Tensor part : parts) part.copy_(part.to(at::kDouble).sub(mean).div(deviation));
}

}  // namespace valley
