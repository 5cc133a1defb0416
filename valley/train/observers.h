#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "valley/train/observer.h"
#include "valley/train/probe.h"
#include "valley/train/recorder.h"
#include "valley/train/worker.h"

namespace valley {

class AverageModel;
class Progress;

/// All that look on at one worker: its record, the probe, what a person is shown, and those of
/// others.
class Observers {
 public:
  explicit Observers(Worker& worker) : worker_(worker) {}

  void add(Observer& observer) { others_.push_back(&observer); }
  void set_probe(Probe* probe, int64_t every);
  void set_progress(Progress* progress);  ///< shown by worker 0 alone

  /// Opens the record in the run folder, if there is one. `resume_step`: see Recorder. All workers
  /// together.
  void start(const AverageModel& average, int64_t resume_step);

  /// A line for a person.
  void say(const std::string& text) const;

  /// Every observer is told: tell(&Observer::epoch, loss).
  template <typename... Parameters, typename... Arguments>
  void tell(void (Observer::*event)(const RunMoment&, Parameters...),
            const Arguments&... arguments) {
    const RunMoment moment = now();
    for (const auto& observer : own_) ((*observer).*event)(moment, arguments...);
    for (Observer* observer : others_) (observer->*event)(moment, arguments...);
  }

  /// Null where nothing is recorded.
  void start_trace() { recorder_->start_trace(); }
  TraceRecorder* trace() { return recorder_ ? recorder_->trace() : nullptr; }

 private:
  RunMoment now() const;

  Worker& worker_;
  std::optional<Recorder> recorder_;
  Probe* probe_ = nullptr;
  int64_t probe_every_ = 0;
  Progress* progress_ = nullptr;
  // Before those of others: what these throw finds the record complete.
  std::vector<std::unique_ptr<Observer>> own_;
  std::vector<Observer*> others_;
};

}  // namespace valley
