#include "valley/algorithms/gradient_weights.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>

#include "valley/core/error.h"

namespace valley {
namespace {

constexpr double kSmoothing = 0.43;                   // b
constexpr double kSmallest = 1e-12, kLargest = 1e12;  // float32 holds their inverses times x

}  // namespace

std::vector<double> GradientWeights::next(const std::vector<double>& norms) {
  norms_.resize(norms.size());
  const double share = 1 - std::pow(kSmoothing, ++rounds_);
  std::vector<double> weights;
  for (size_t i = 0; i < norms.size(); ++i) {
    const double norm = std::isnan(norms[i]) ? kLargest : norms[i];  // no ground for trust
    norms_[i] = kSmoothing * norms_[i] + (1 - kSmoothing) * std::clamp(norm, kSmallest, kLargest);
    weights.push_back(1 / (norms_[i] / share));
  }
  return weights;
}

void GradientWeights::reset() {
  rounds_ = 0;
  norms_.clear();
}

at::Tensor GradientWeights::state() const {
  std::vector<double> values = {rounds_};
  values.insert(values.end(), norms_.begin(), norms_.end());
  return at::tensor(values, at::kDouble);
}

void GradientWeights::load_state(const AlgorithmState& state, const std::string& name) {
  const at::Tensor values = state_entry(state, name, at::kDouble, -1);
  const double* v = values.data_ptr<double>();
  require(values.numel() >= 1 && (values.numel() > 1) == (v[0] > 0),
          "the checkpoint's entry {} is damaged", name);
  rounds_ = v[0];
  norms_.assign(v + 1, v + values.numel());
}

}  // namespace valley
