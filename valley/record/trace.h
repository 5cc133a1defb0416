#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "valley/core/clock.h"

namespace valley {

enum class Phase { kCompute, kCommunicate, kWait, kData, kEvaluate, kProbe };
std::string_view name(Phase phase);

/// What one worker did when. Memory is bounded: of a long run the first and the last spans are
/// kept, and the gap between them is one span "not recorded" with their number.
///
/// Cost of a span: 32 bytes and no allocation once the store is full. One thread only.
class TraceRecorder {
 public:
  /// Keeps the first `keep_first` and the last `keep_last` spans (1 MB in all as given). Time 0 is
  /// now: made, or restart_clock() called, right after a barrier, the workers' rows line up.
  explicit TraceRecorder(int worker, size_t keep_first = 16384, size_t keep_last = 16384);

  void restart_clock() { origin_ = now_seconds(); }

  /// A span from `begin` to `end`, both of now_seconds(); `step` -1 if it belongs to none.
  void add(Phase phase, double begin, double end, int64_t step = -1);

  /// Spans that were thrown away.
  int64_t dropped() const { return added_ - static_cast<int64_t>(first_.size() + last_.size()); }

  /// The worker's events, for trace_json().
  std::string serialize() const;

 private:
  struct Span {
    double begin;
    double end;
    int64_t step;
    Phase phase;
  };

  int worker_;
  size_t keep_first_;
  size_t keep_last_;
  double origin_;
  int64_t added_ = 0;
  std::vector<Span> first_;
  std::vector<Span> last_;  // a ring once it is full
  size_t oldest_ = 0;       // where the ring begins
};

/// Records its own life as a span. `recorder` may be null.
class TraceScope {
 public:
  TraceScope(TraceRecorder* recorder, Phase phase, int64_t step = -1)
      : recorder_(recorder), phase_(phase), step_(step), begin_(recorder ? now_seconds() : 0) {}
  ~TraceScope() {
    if (recorder_) recorder_->add(phase_, begin_, now_seconds(), step_);
  }
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

 private:
  TraceRecorder* recorder_;
  Phase phase_;
  int64_t step_;
  double begin_;
};

/// The Chrome trace (chrome://tracing, ui.perfetto.dev) of the serialized recorders: a process per
/// worker, a row for computing and one for communicating, times in microseconds.
std::string trace_json(const std::vector<std::string>& workers);

/// Writes trace_json() whole or not at all. @throws IoError
void write_trace(const std::filesystem::path& path, const std::vector<std::string>& workers);

}  // namespace valley
