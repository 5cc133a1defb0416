#include "valley/train/sections.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace valley {

RunCheckpoint::Restored Sections::restore(const RunCheckpoint::Say& say) {
  if (keep_ != nullptr && keep_->standing() != nullptr) {
    half_ = keep_->phase != Keepsake::Phase::kCommitted;
    worker_.info.loss = keep_->loss;
    checkpoint_.load(*keep_->standing(), worker_.clock);
    const at::Tensor steps = worker_.comm.all_gather(at::tensor({worker_.clock.step}, at::kLong));
    if (worker_.algorithm->regroup(steps.max().item<int64_t>()))
      say("another group: what was still to be said of former rounds begins anew");
    worker_.sampler.go_on(keep_->deal);
    return RunCheckpoint::Restored::kSame;
  }
  RunCheckpoint::Restored restored = RunCheckpoint::Restored::kNothing;
  if (worker_.options.resume) restored = checkpoint_.restore(worker_.clock, say);
  if (restored == RunCheckpoint::Restored::kNothing) worker_.begin_together();
  return restored;
}

void Sections::begin(const std::function<void()>& save) {
  if (keep_ == nullptr) return;
  if (keep_->standing() == nullptr) {
    keep_->step = worker_.clock.step;
    keep_->deal = {keep_->step, keep_->step * keep_->full_workers};
    keep_->after = copy(state());
    worker_.sampler.go_on(keep_->deal);
  }
  if (!keep_->too_few) return;
  save();
  throw CommError(fmt::format("{} {} left, fewer than the run needs", worker_.comm.size(),
                              worker_.comm.size() == 1 ? "worker is" : "workers are"));
}

bool Sections::end_step(const std::function<bool()>& work) {
  if (keep_ == nullptr || !anything_due()) return work();
  keep_->before = copy(state());
  keep_->loss = worker_.info.loss;
  keep_->phase = Keepsake::Phase::kOpen;
  const bool ends = work();
  commit(ends);
  return ends;
}

// All have come to the end of the section, or nobody passes here.
void Sections::commit(bool ends) {
  at::Tensor call = at::zeros({1});
  if (worker_.comm.rank() == 0 && keep_->called && keep_->called()) call.fill_(1);
  try {
    worker_.comm.all_reduce_sum(call, call);
  } catch (const CommError&) {
    keep_->after = state();
    keep_->phase = Keepsake::Phase::kDone;
    throw;
  }
  keep_->phase = Keepsake::Phase::kCommitted;
  keep_->step = worker_.clock.step;
  ++keep_->sections;
  if (call.item<float>() == 0 || ends || worker_.over()) return;
  keep_->after = state();
  throw Regroup();
}

bool Sections::anything_due() const {
  RunClock next = worker_.clock;
  ++next.step;
  return worker_.comm.stop_agreed() || worker_.algorithm->talks_after_step() || next.epoch_ends() ||
         next.at_end() || next.checkpoint_due();
}

WorkerState Sections::state() const {
  return checkpoint_.state(worker_.clock, worker_.parameters.values());
}

// The optimizer takes no part in a section, and its step is over.
WorkerState Sections::copy(WorkerState state) {
  for (auto& [name, tensor] : state.tensors)
    if (!name.starts_with("optimizer/")) tensor = tensor.clone();
  return state;
}

}  // namespace valley
