#include "valley/algorithms/pending_round.h"

#include <ATen/ops/tensor.h>

namespace valley {
namespace {

constexpr const char* kPending = "pending";

struct NamedVector {
  const char* name;
  at::Tensor PendingRound::*vector;
};
constexpr NamedVector kVectors[] = {{"pending_sum", &PendingRound::sum},
                                    {"pending_center", &PendingRound::center},
                                    {"pending_sent", &PendingRound::sent}};

}  // namespace

PendingRound PendingRound::of(int64_t m) const {
  PendingRound own = *this;
  if (center.defined() && center.dim() == 2) own.center = center[m];
  return own;
}

PendingRound PendingRound::copy() const {
  PendingRound other = *this;
  if (sum.defined()) other.sum = sum.clone();
  return other;
}

void PendingRound::append_to(AlgorithmState& state) const {
  state.emplace_back(kPending,
                     at::tensor({begun.step, begun.total_steps, int64_t{workers}}, at::kLong));
  for (const auto& [name, vector] : kVectors) {
    if ((this->*vector).defined()) state.emplace_back(name, this->*vector);
  }
}

std::optional<PendingRound> PendingRound::load(const AlgorithmState& state) {
  if (!optional_entry(state, kPending).defined()) return std::nullopt;
  const at::Tensor numbers = state_entry(state, kPending, at::kLong, 3);
  const int64_t* v = numbers.data_ptr<int64_t>();
  PendingRound pending;
  pending.begun = {.step = v[0], .total_steps = v[1]};
  pending.workers = static_cast<int>(v[2]);
  for (const auto& [name, vector] : kVectors) {
    const at::Tensor saved = optional_entry(state, name);
    if (saved.defined()) pending.*vector = saved.clone();
  }
  return pending;
}

}  // namespace valley
