#include "valley/instruments/dynamics_probe.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "valley/analysis/live_probe.h"
#include "valley/data/training_sample.h"
#include "valley/instruments/figures_json.h"
#include "valley/task/classification.h"
#include "valley/task/task.h"

namespace valley {
namespace {

std::string with_error(const Estimate& estimate) {
  if (!std::isfinite(estimate.value)) return "-";
  return fmt::format("{:.3g} ± {:.2g}", estimate.value, estimate.standard_error);
}

// The few that a line has room for.
std::string probe_text(const LiveFigures& figures) {
  if (!std::isfinite(figures.width)) return "a weight is not finite";
  std::string text = fmt::format("width {:.3g}", figures.width);
  if (figures.spread.angles) text += fmt::format(", angles {:.0f}°", figures.spread.angles->mean);
  if (figures.rate) {
    text +=
        fmt::format(", alpha_e/alpha {}, Delta/alpha^2 {}", with_error(figures.rate->parts.rate),
                    with_error(figures.rate->parts.noise));
  }
  if (figures.losses && std::isfinite(figures.losses->average))
    text += fmt::format(", loss {:.3g}", figures.losses->average);
  if (figures.smoothed && figures.smoothed->smoothed_loss)
    text += fmt::format(", smoothed {}", with_error(*figures.smoothed->smoothed_loss));
  return text;
}

class DynamicsProbe : public Probe {
 public:
  DynamicsProbe(const RunConfig& config, const DataSplits& data, Communicator& comm)
      : probe_(comm, [&] { return make_job_model(config, data); }, probe_sample(config, data, comm),
               *data.train,
               {.draws = config.probe_draws,
                .batch_size = config.batch_size,
                .seed = config.seed,
                .decay_rule = config.decay_rule,
                .threads = at::get_num_threads(),
                .task = &job_task(config, data.train.get()),
                .smoothed = !config.probe_unsmoothed}) {}

  ProbeResult measure(const ProbePoint& point) override {
    const LiveFigures figures = probe_.measure({.x = point.x,
                                                .average = point.average,
                                                .learning_rate = point.learning_rate,
                                                .pull = point.pull,
                                                .push = point.push,
                                                .buffers = point.buffers});
    return {.figures = to_json(figures), .text = probe_text(figures), .passes = probe_.passes()};
  }

 private:
  static TrainingSample probe_sample(const RunConfig& config, const DataSplits& data,
                                     const Communicator& comm) {
    if (config.probe_draws == 0) return {};
    return draw_training_sample(data.train, config.probe_samples, config.seed, to_partition(config),
                                comm.size(), fmt::format("{}", Key{"probe-samples"}));
  }

  LiveProbe probe_;
};

}  // namespace

std::unique_ptr<Probe> make_probe(const RunConfig& config, const DataSplits& data,
                                  Communicator& comm) {
  return std::make_unique<DynamicsProbe>(config, data, comm);
}

}  // namespace valley
