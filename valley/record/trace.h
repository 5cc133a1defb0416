#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
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
  /// now, or when restart_clock() is called.
  explicit TraceRecorder(int worker, size_t keep_first = 16384, size_t keep_last = 16384);

  void restart_clock() { origin_ = now_seconds(); }
  double origin() const { return origin_; }

  /// What another worker is called from now on, where the group changes.
  void set_worker(int worker) { worker_ = worker; }
  /// Something that happens now; of a thousand the first.
  void mark(std::string text);
  /// Beside the worker's name.
  void set_label(std::string text) { label_ = std::move(text); }

  bool empty() const { return added_ == 0; }

  /// A span from `begin` to `end`, both of now_seconds(); `step` -1 if it belongs to none.
  void add(Phase phase, double begin, double end, int64_t step = -1);

  /// Spans that were thrown away.
  int64_t dropped() const { return added_ - static_cast<int64_t>(first_.size() + last_.size()); }

  /// The worker's events, for trace_json().
  std::string serialize() const { return serialize(origin_); }
  /// With another time 0, of the same clock: workers that agree on it have rows that line up.
  std::string serialize(double origin) const;

 private:
  struct Span {  // of now_seconds()
    double begin;
    double end;
    int64_t step;
    Phase phase;
  };

  int worker_;
  size_t keep_first_;
  size_t keep_last_;
  double origin_;
  std::string label_;
  std::vector<std::pair<double, std::string>> marks_;
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
