#include "valley/algorithms/slices.h"

#include <algorithm>
#include <utility>

#include "valley/core/error.h"

namespace valley {
namespace {

void require_values(int64_t fragments, int64_t d) {
  require(fragments <= d, "{} must be at most the number of parameters, {}, got {}",
          Key{"fragments"}, d, fragments);
}

}  // namespace

Slices::Slices(Round round, const AlgorithmContext& context, const std::string& compress)
    : compress_(compress) {
  slices_.emplace_back(std::move(round), compress, context.seed);
}

Slices::Slices(RoundMaker make, const AlgorithmContext& context, const std::string& compress,
               int64_t count)
    : make_(std::move(make)), context_(context), compress_(compress), count_(count) {
  int64_t d = 0;
  for (const LayerRange& layer : context.layers) d += layer.size;
  if (d > 0) require_values(count, d);
  // Says now what it lacks.
  slices_.emplace_back(make_(context), compress, context.seed, context.come_and_go);
}

void Slices::prepare(int workers) {
  for (SliceRound& slice : slices_) slice.prepare(workers);
}

void Slices::join(Communicator& comm, const at::Tensor& x) {
  require_values(count_, x.numel());
  if (count_ > 1) slices_.clear();
  for (int64_t f = 0; count_ > 1 && f < count_; ++f) {
    const Slice slice = {f, count_};
    const AlgorithmContext context = slice.of(context_, x.numel());
    slices_.emplace_back(make_(context), compress_, context.seed, context.come_and_go, slice);
    slices_.back().prepare(comm.size());
  }
  for (SliceRound& slice : slices_) slice.join(comm, x);
}

void Slices::on_gradient(const StepInfo& info, const at::Tensor& x, const at::Tensor& g) {
  for (SliceRound& slice : slices_) slice.on_gradient(info, x, g);
}

void Slices::after_local_step(const StepInfo& info, int64_t period, const at::Tensor& x) {
  for (SliceRound& slice : slices_) slice.after_local_step(info, period, x);
}

const PendingRound& Slices::begin(const StepInfo& info, const at::Tensor& x, int64_t number) {
  for (SliceRound& slice : slices_) slice.begin(info, x, number);
  return slices_.front().pending();
}

RoundReport Slices::apply(const at::Tensor& x) {
  RoundReport report;
  for (SliceRound& slice : slices_) report = slice.apply(x);
  return report;
}

std::optional<RoundReport> Slices::apply_begun(int64_t until_step, const at::Tensor& x) {
  std::optional<RoundReport> report;
  for (SliceRound& slice : slices_) {
    if (slice.under_way() && slice.begun().step <= until_step) report = slice.apply(x);
  }
  return report;
}

void Slices::arrive() {
  for (SliceRound& slice : slices_) slice.arrive();
}

at::Tensor Slices::view(const at::Tensor& x) const {
  const bool pending = std::any_of(slices_.begin(), slices_.end(),
                                   [](const SliceRound& slice) { return slice.under_way(); });
  if (!pending) return x;
  at::Tensor there = x.clone();
  for (const SliceRound& slice : slices_) slice.show(there);
  return there;
}

bool Slices::of_all() const {
  return count_ == 1 && compress_ == "none" && slices_.front().of_all();
}

void Slices::append_to(AlgorithmState& state) const {
  for (const SliceRound& slice : slices_) slice.append_to(state);
}

void Slices::load(const AlgorithmState& state) {
  for (SliceRound& slice : slices_) slice.load(state);
}

}  // namespace valley
