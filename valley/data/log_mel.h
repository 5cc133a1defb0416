#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace valley {

/// What of a sound a network is shown: how much energy every short piece of time has in every band
/// of frequencies, the bands as wide as the ear's.
struct LogMelOptions {
  int64_t sample_rate = 8000;  ///< Hz
  int64_t window = 200;        ///< samples a frame: 25 ms
  int64_t hop = 80;            ///< samples from frame to frame: 10 ms
  int64_t fft = 256;           ///< points, window and zeros
  int64_t bands = 40;
  double floor = 1e-6;  ///< added to the energy before the logarithm; full scale is 1 a sample
};

/// `samples` [n] in the middle of [size]: zeros on both sides, or both ends cut off. Where it does
/// not divide, the end gets or loses one more.
at::Tensor centred(const at::Tensor& samples, int64_t size);

/// Energy by frequency of every frame, [frames, fft/2 + 1] float64, of [window + (frames - 1) hop]
/// samples, weighted by a periodic Hann window w:
///
///     P_k = c_k |sum_t w_t x_t e^(-2 pi i k t / fft)|^2 / fft,    c_k = 1 at both ends, else 2
///
/// so that a frame's P sums up to its sum_t (w_t x_t)^2 (Parseval).
at::Tensor power_spectrum(const at::Tensor& samples, const LogMelOptions& options);

/// Triangles, equally wide in mel(f) = 2595 log10(1 + f/700) and half overlapping, from 0 to half
/// the sample rate: [bands, fft/2 + 1] float64, peaks of 1. Band b (0-based) peaks at
/// mel(f) = (b + 1) mel(rate/2) / (bands + 1).
at::Tensor mel_filters(const LogMelOptions& options);

/// log(energy in band + floor), [frames, bands] float32, of a sound centred in the samples that
/// `frames` frames span.
///
/// Reference: Davis and Mermelstein, "Comparison of parametric representations for monosyllabic
/// word recognition in continuously spoken sentences", IEEE Transactions on Acoustics, Speech, and
/// Signal Processing 28, 1980, before their cosine transform.
at::Tensor log_mel(const at::Tensor& samples, int64_t frames, const LogMelOptions& options = {});

/// Every band of `parts`, each [N, 1, frames, bands], brought to mean 0 and deviation 1 over
/// `train`; a band of silence everywhere only to mean 0.
void normalise_bands(const at::Tensor& train, const std::vector<at::Tensor>& parts);

}  // namespace valley
