#include "valley/train/probe_observer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/clock.h"
#include "valley/record/units.h"

namespace valley {

ProbeObserver::ProbeObserver(Probe& probe, int64_t every, Parts parts, Say say)
    : probe_(probe), every_(every), parts_(std::move(parts)), say_(std::move(say)) {}

void ProbeObserver::step(const RunMoment& moment, const at::Tensor&) {
  const int64_t step = moment.clock.step;
  if (step % every_ != 0 && !moment.over) return;
  const double begin = now_seconds();
  const int64_t bytes = parts_.comm.total_bytes();
  const TraceScope trace(parts_.recorder.trace(), Phase::kProbe, step);
  const at::Tensor x = parts_.standing(), average = parts_.average.weights(x);
  ProbeResult result;
  {
    const KeptGenerator kept(parts_.generator);
    result = probe_.measure({.x = x,
                             .average = average,
                             .learning_rate = moment.learning_rate,
                             .pull = moment.meters.pull,
                             .push = moment.meters.push,
                             .buffers = [&] { return parts_.average.buffers_at(average); }});
  }
  const ProbeCost cost{
      .count = 1, .passes = result.passes, .bytes = parts_.comm.total_bytes() - bytes};
  const double seconds = now_seconds() - begin;
  result.figures["passes"] = cost.passes;
  result.figures["bytes"] = cost.bytes;
  result.figures["seconds"] = seconds;
  parts_.recorder.mean({{"step", step},
                        {"epoch", moment.clock.epoch()},
                        {"worker", "mean"},
                        {"probe", std::move(result.figures)}});
  parts_.recorder.flush();
  news_ = fmt::format("probe at step {}: {}; {:.0f} passes, {}, {} sent", step, result.text,
                      cost.passes, format_seconds(seconds), format_bytes(cost.bytes));
  parts_.meters.probes += cost;
  parts_.meters.seconds.probe += now_seconds() - begin;
}

void ProbeObserver::tell(const RunMoment&, bool) {
  if (!news_.empty()) say_(std::exchange(news_, ""));
}

}  // namespace valley
