#include "valley/report/timeline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "valley/record/units.h"
#include "valley/report/statistics.h"

namespace valley {
namespace {

constexpr double kLonger = 1.1, kWaiting = 0.05;
const std::vector<std::string> kPhases = {"compute", "communicate", "wait",
                                          "data",    "evaluate",    "probe"};
constexpr size_t kEvaluate = 4;  // from here on no training

struct Span {
  size_t phase;
  double begin, seconds;
  int64_t step;
};

struct Trace {
  std::map<int64_t, std::vector<Span>> workers;
  double begin = INFINITY, end = 0;
  int64_t dropped = 0;
};

Trace read(const Json& trace) {
  Trace result;
  const auto events = trace.find("traceEvents");
  if (events == trace.end() || !events->is_array()) return result;
  const auto number = [](const Json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_number() ? found->get<double>() : NAN;
  };
  for (const Json& event : *events) {
    if (!event.is_object() || !event.contains("name") || !event["name"].is_string()) continue;
    const auto& name = event["name"].get_ref<const std::string&>();
    const double worker = number(event, "pid"), begin = number(event, "ts") / 1e6,
                 seconds = number(event, "dur") / 1e6;
    const Json arguments = event.value("args", Json::object());
    if (!std::isfinite(worker) || !std::isfinite(begin) || !std::isfinite(seconds)) continue;
    if (name == "not recorded" && arguments.is_object()) {
      const double spans = number(arguments, "spans");
      if (std::isfinite(spans)) result.dropped += static_cast<int64_t>(spans);
    }
    const auto phase = std::find(kPhases.begin(), kPhases.end(), name);
    if (phase == kPhases.end()) continue;
    const double step = arguments.is_object() ? number(arguments, "step") : NAN;
    result.workers[static_cast<int64_t>(worker)].push_back(
        {static_cast<size_t>(phase - kPhases.begin()), begin, seconds,
         std::isfinite(step) ? static_cast<int64_t>(step) : -1});
    result.begin = std::min(result.begin, begin);
    result.end = std::max(result.end, begin + seconds);
  }
  for (auto& [worker, spans] : result.workers) {
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.begin < b.begin; });
  }
  return result;
}

// How much of each bucket the spans of a phase fill, in [0, 1].
std::vector<double> shares(const std::vector<Span>& spans, size_t phase, double origin,
                           double bucket, size_t buckets) {
  std::vector<double> result(buckets);
  for (const Span& span : spans) {
    if (span.phase != phase) continue;
    const double begin = (span.begin - origin) / bucket, end = begin + span.seconds / bucket;
    for (auto i = static_cast<size_t>(begin); i < buckets && static_cast<double>(i) < end; ++i) {
      const auto left = static_cast<double>(i);
      result[i] += std::max(0.0, std::min(end, left + 1) - std::max(begin, left));
    }
  }
  for (double& share : result) share = std::round(1e3 * std::min(share, 1.0)) / 1e3;
  return result;
}

// [begin, end] of about `count` spans of one worker, none of them an evaluation or a probe if that
// can be had; of such stretches the one nearest to the middle.
std::pair<double, double> choose_window(const std::vector<Span>& spans, size_t count) {
  count = std::min(count, spans.size());
  const size_t middle = (spans.size() - count) / 2;
  std::vector<size_t> before(spans.size() + 1);  // evaluations before this span
  for (size_t i = 0; i < spans.size(); ++i)
    before[i + 1] = before[i] + (spans[i].phase >= kEvaluate);
  size_t best = middle, fewest = SIZE_MAX, nearest = SIZE_MAX;
  for (size_t first = 0; first + count <= spans.size(); ++first) {
    const size_t evaluations = before[first + count] - before[first];
    const size_t away = first > middle ? first - middle : middle - first;
    if (std::pair(evaluations, away) < std::pair(fewest, nearest)) {
      best = first;
      fewest = evaluations;
      nearest = away;
    }
  }
  double end = 0;
  for (size_t i = best; i < best + count; ++i)
    end = std::max(end, spans[i].begin + spans[i].seconds);
  return {spans[best].begin, end};
}

double training(const WorkerSeconds& worker) {
  return worker.compute + worker.communicate + worker.wait + worker.data;
}

}  // namespace

Json timeline_of(const Json& trace, const ReportLimits& limits) {
  const Trace read_trace = read(trace);
  const auto& workers = read_trace.workers;
  if (workers.empty() || read_trace.end <= read_trace.begin) return nullptr;
  const double origin = read_trace.begin, length = read_trace.end - origin;
  const double bucket = length / static_cast<double>(limits.buckets);
  const auto [from, to] = choose_window(workers.begin()->second, limits.window);

  Json totals = Json::array(), wait = Json::array(), communicate = Json::array(),
       window = Json::array();
  for (const auto& [worker, spans] : workers) {
    std::vector<double> seconds(kPhases.size());
    for (const Span& span : spans) seconds[span.phase] += span.seconds;
    Json total;
    for (size_t i = 0; i < kPhases.size(); ++i) {
      if (i <= kEvaluate || seconds[i] > 0) total[kPhases[i]] = shortened(seconds[i]);
    }
    totals.push_back(std::move(total));
    if (static_cast<size_t>(worker) >= limits.bar_workers) continue;
    communicate.push_back(shares(spans, 1, origin, bucket, limits.buckets));
    wait.push_back(shares(spans, 2, origin, bucket, limits.buckets));
    size_t shown = 0;
    for (const Span& span : spans) {
      const double begin = std::max(span.begin, from),
                   end = std::min(span.begin + span.seconds, to);
      if (end <= begin || shown >= 4 * limits.window) continue;
      window.push_back(
          {worker, span.phase, shortened(begin - from), shortened(end - begin), span.step});
      ++shown;
    }
  }
  return {{"seconds", shortened(length)},
          {"workers", std::move(totals)},
          {"dropped", read_trace.dropped},
          {"shares",
           {{"seconds", shortened(bucket)},
            {"wait", std::move(wait)},
            {"communicate", std::move(communicate)}}},
          {"window",
           {{"begin", shortened(from - origin)},
            {"end", shortened(to - origin)},
            {"spans", std::move(window)}}}};
}

std::vector<WorkerSeconds> worker_seconds(const Json& timeline) {
  std::vector<WorkerSeconds> result;
  if (!timeline.is_object()) return result;
  for (const Json& worker : timeline.at("workers")) {
    result.push_back({worker.at("compute"), worker.at("communicate"), worker.at("wait"),
                      worker.at("data"), worker.at("evaluate")});
  }
  return result;
}

std::string straggler_sentence(const std::vector<WorkerSeconds>& workers) {
  if (workers.size() < 2) return "";
  std::vector<double> busy;
  double waited = 0, trained = 0;
  for (const auto& worker : workers) {
    busy.push_back(worker.compute + worker.data);
    waited += worker.wait;
    trained += training(worker);
  }
  if (trained <= 0) return "";
  std::vector<double> sorted = busy;
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  const double median =
      sorted.size() % 2 == 1 ? sorted[half] : 0.5 * (sorted[half - 1] + sorted[half]);

  std::vector<size_t> slow;
  double others_waited = 0, others_trained = 0;
  for (size_t i = 0; i < workers.size(); ++i) {
    if (busy[i] >= kLonger * median) {
      slow.push_back(i);
    } else {
      others_waited += workers[i].wait;
      others_trained += training(workers[i]);
    }
  }
  const bool felt = others_trained > 0 && others_waited >= kWaiting * others_trained;
  if (!slow.empty() && slow.size() <= workers.size() / 2 && felt) {
    const size_t slowest = *std::max_element(slow.begin(), slow.end(),
                                             [&](size_t a, size_t b) { return busy[a] < busy[b]; });
    const double mean = others_waited / static_cast<double>(workers.size() - slow.size());
    if (slow.size() == 1) {
      return fmt::format(
          "Worker {} is a straggler: it computed for {}, the median worker for {}, and the others "
          "waited {} each, {:.0f} % of their training time.",
          slowest, format_seconds(busy[slowest]), format_seconds(median), format_seconds(mean),
          100 * others_waited / others_trained);
    }
    return fmt::format(
        "Workers {} are stragglers: the slowest, {}, computed for {}, the median worker for {}, "
        "and the others waited {} each, {:.0f} % of their training time.",
        fmt::join(slow, ", "), slowest, format_seconds(busy[slowest]), format_seconds(median),
        format_seconds(mean), 100 * others_waited / others_trained);
  }
  return fmt::format(
      "No straggler: the workers' computing times lie between {} and {}, and waiting for each "
      "other "
      "took {:.1f} % of their training time.",
      format_seconds(sorted.front()), format_seconds(sorted.back()), 100 * waited / trained);
}

}  // namespace valley
