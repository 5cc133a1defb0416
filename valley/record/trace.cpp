#include "valley/record/trace.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "valley/core/atomic_file.h"

namespace valley {
namespace {

constexpr size_t kMostMarks = 1000;

// Communication may run beside the computation, and spans of one row must nest.
int row(Phase phase) { return phase == Phase::kCommunicate || phase == Phase::kWait ? 1 : 0; }

}  // namespace

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::kCompute:
      return "compute";
    case Phase::kCommunicate:
      return "communicate";
    case Phase::kWait:
      return "wait";
    case Phase::kData:
      return "data";
    case Phase::kEvaluate:
      return "evaluate";
    case Phase::kProbe:
      return "probe";
  }
  return "unknown";
}

TraceRecorder::TraceRecorder(int worker, size_t keep_first, size_t keep_last)
    : worker_(worker),
      keep_first_(keep_first),
      keep_last_(std::max<size_t>(keep_last, 1)),
      origin_(now_seconds()) {}

void TraceRecorder::add(Phase phase, double begin, double end, int64_t step) {
  ++added_;
  const Span span{begin, end, step, phase};
  if (first_.size() < keep_first_) {
    first_.push_back(span);
  } else if (last_.size() < keep_last_) {
    last_.push_back(span);
  } else {
    last_[oldest_] = span;
    oldest_ = (oldest_ + 1) % keep_last_;
  }
}

void TraceRecorder::mark(std::string text) {
  if (marks_.size() < kMostMarks) marks_.emplace_back(now_seconds(), std::move(text));
}

std::string TraceRecorder::serialize(double origin) const {
  std::string text = fmt::format(
      R"({{"ph":"M","name":"process_name","pid":{0},"args":{{"name":"worker {0}"}}}},
{{"ph":"M","name":"process_sort_index","pid":{0},"args":{{"sort_index":{0}}}}},
{{"ph":"M","name":"thread_name","pid":{0},"tid":0,"args":{{"name":"computing"}}}},
{{"ph":"M","name":"thread_name","pid":{0},"tid":1,"args":{{"name":"communicating"}}}})",
      worker_);
  if (!label_.empty()) {
    fmt::format_to(std::back_inserter(text),
                   ",\n{{\"ph\":\"M\",\"name\":\"process_labels\",\"pid\":{},\"args\":{{\"labels\":"
                   "\"{}\"}}}}",
                   worker_, label_);
  }
  for (const auto& [when, what] : marks_) {
    fmt::format_to(
        std::back_inserter(text),
        ",\n{{\"ph\":\"i\",\"s\":\"p\",\"name\":\"{}\",\"pid\":{},\"tid\":0,\"ts\":{:.3f}}}", what,
        worker_, (when - origin) * 1e6);
  }
  const auto event = [&](std::string_view name, int row, double begin, double end,
                         std::string_view argument, int64_t value) {
    fmt::format_to(std::back_inserter(text),
                   ",\n{{\"ph\":\"X\",\"name\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{:.3f},"
                   "\"dur\":{:.3f}",
                   name, worker_, row, (begin - origin) * 1e6, std::max(end - begin, 0.0) * 1e6);
    if (value >= 0) {
      fmt::format_to(std::back_inserter(text), ",\"args\":{{\"{}\":{}}}", argument, value);
    }
    text += '}';
  };
  const auto span = [&](const Span& s) {
    event(name(s.phase), row(s.phase), s.begin, s.end, "step", s.step);
  };

  for (const Span& s : first_) span(s);
  if (dropped() > 0) {
    const double gap = first_.empty() ? origin : first_.back().end;
    event("not recorded", 0, gap, last_[oldest_].begin, "spans", dropped());
  }
  for (size_t i = 0; i < last_.size(); ++i) span(last_[(oldest_ + i) % last_.size()]);
  return text;
}

std::string trace_json(const std::vector<std::string>& workers) {
  return fmt::format("{{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{}\n]}}\n",
                     fmt::join(workers, ",\n"));
}

void write_trace(const std::filesystem::path& path, const std::vector<std::string>& workers) {
  write_atomically(path, trace_json(workers));
}

}  // namespace valley
