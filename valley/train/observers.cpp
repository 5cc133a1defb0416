#include "valley/train/observers.h"

#include <fmt/format.h>

#include "valley/core/error.h"
#include "valley/record/progress.h"
#include "valley/train/gauge_observer.h"
#include "valley/train/keepsake.h"
#include "valley/train/probe_observer.h"
#include "valley/train/progress_observer.h"
#include "valley/train/record_observer.h"

namespace valley {

void Observers::set_probe(Probe* probe, int64_t every) {
  require(every >= 0, "{} must be at least 0, got {}", Key{"probe"}, every);
  require_no_probe_of_asynchronous(worker_.options.algorithm, every);
  require_no_probe_of_personal(worker_.options.personal, every);
  probe_ = every > 0 ? probe : nullptr;
  probe_every_ = every;
}

void Observers::set_progress(Progress* progress) {
  progress_ = worker_.comm.rank() == 0 ? progress : nullptr;
}

void Observers::start(const AverageModel& average, int64_t resume_step) {
  Worker& w = worker_;
  Keepsake* keep = w.options.keepsake;
  recorder_.emplace(w.comm, w.options.out, resume_step, keep != nullptr ? &keep->record : nullptr);
  if (keep != nullptr && keep->sections > 0) {
    recorder_->group(w.clock.step, w.clock.epoch(), w.comm.size());
    keep->record.trace.mark(fmt::format("a group of {}", w.comm.size()));
  }
  if (const std::string warning = recorder_->warning(); !warning.empty()) say(warning);
  const ScoreSheet& sheet = task_of(w.options).sheet();
  own_.push_back(std::make_unique<RecordObserver>(*recorder_, sheet,
                                                  [this](const std::string& text) { say(text); }));
  if (probe_ != nullptr) {
    own_.push_back(std::make_unique<ProbeObserver>(
        *probe_, probe_every_,
        ProbeObserver::Parts{w.comm, average, [&w] { return w.standing(); }, w.generator,
                             *recorder_, w.meters},
        [this](const std::string& text) { say(text); }));
  }
  if (progress_ != nullptr) {
    own_.push_back(std::make_unique<ProgressObserver>(*progress_, w.comm.size(), sheet.main()));
  }
  const bool gauges = !w.options.metrics_file.empty() || !w.options.metrics_port.empty();
  if (gauges && w.comm.rank() == 0) {
    own_.push_back(std::make_unique<GaugeObserver>(w.options.metrics_file, w.options.metrics_port,
                                                   w.options.out, w.comm.size(), sheet));
  }
}

void Observers::say(const std::string& text) const {
  if (progress_ != nullptr) progress_->message(text);
}

RunMoment Observers::now() const {
  const Worker& w = worker_;
  return {.clock = w.clock,
          .meters = w.meters,
          .learning_rate = w.clock.step > 0 ? w.schedule.at(w.clock.step - 1) : 0,
          .rounds = w.algorithm->rounds(),
          .period = w.algorithm->period(),
          .over = w.over()};
}

}  // namespace valley
