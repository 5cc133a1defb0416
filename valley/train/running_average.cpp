#include "valley/train/running_average.h"

#include <ATen/core/TensorBody.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <utility>

#include "valley/core/error.h"

namespace valley {

void RunningAverage::take(const at::Tensor& x) {
  const c10::NoGradGuard no_grad;
  const bool ema = spec_.kind == AverageKind::kEma;
  if (spec_.kind == AverageKind::kPlain) return;
  if (ema && !kept_.empty()) {
    kept_.front().mul_(spec_.beta).add_(x, 1 - spec_.beta);
    return;
  }
  at::Tensor room;
  if (static_cast<int64_t>(kept_.size()) == spec_.count && !ema) {
    room = std::move(kept_.front());
    kept_.pop_front();
  }
  kept_.push_back(room.defined() ? room.copy_(x) : x.detach().clone());
}

at::Tensor RunningAverage::value() const {
  if (kept_.empty()) return {};
  at::Tensor sum = kept_.front().clone();
  for (size_t i = 1; i < kept_.size(); ++i) sum.add_(kept_[i]);
  return kept_.size() == 1 ? sum : sum.div_(static_cast<int64_t>(kept_.size()));
}

std::vector<NamedTensor> RunningAverage::state() const {
  std::vector<NamedTensor> state;
  for (size_t i = 0; i < kept_.size(); ++i) state.push_back({fmt::format("{}", i), kept_[i]});
  return state;
}

void RunningAverage::load_state(const std::vector<NamedTensor>& state, at::Device device) {
  const bool plain = spec_.kind == AverageKind::kPlain;
  require(static_cast<int64_t>(state.size()) <= (plain ? 0 : spec_.count),
          "the checkpoint holds {} vectors of another {}", state.size(), Key{"average"});
  kept_.clear();
  for (const NamedTensor& named : state) kept_.push_back(named.tensor.to(device).clone());
}

}  // namespace valley
