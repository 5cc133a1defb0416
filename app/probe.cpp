#include "app/probe.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "valley/analysis/live_probe.h"
#include "valley/data/training_sample.h"

namespace valley::app {
namespace {

std::string with_error(const Json& estimate) {
  if (estimate["value"].is_null()) return "-";
  return fmt::format("{:.3g} ± {:.2g}", estimate["value"].get<double>(),
                     estimate["standard_error"].get<double>());
}

// The few that a line has room for.
std::string probe_text(const Json& figures) {
  if (figures["width"].is_null()) return "a weight is not finite";
  std::string text = fmt::format("width {:.3g}", figures["width"].get<double>());
  if (figures.contains("angle_mean"))
    text += fmt::format(", angles {:.0f}°", figures["angle_mean"].get<double>());
  if (figures.contains("effective_rate")) {
    const Json& rate = figures["effective_rate"];
    text +=
        fmt::format(", alpha_e/alpha {}, Delta/alpha^2 {}", with_error(rate["alpha_e_over_alpha"]),
                    with_error(rate["delta_over_alpha_squared"]));
  }
  if (figures.contains("loss") && figures["loss"].is_number())
    text += fmt::format(", loss {:.3g}", figures["loss"].get<double>());
  if (figures.contains("smoothed") && figures["smoothed"].contains("smoothed_loss"))
    text += fmt::format(", smoothed {}", with_error(figures["smoothed"]["smoothed_loss"]));
  return text;
}

class DynamicsProbe : public Probe {
 public:
  DynamicsProbe(const RunConfig& config, const DataSplits& data, Communicator& comm)
      : probe_(comm, [&] { return make_job_model(config, data); }, sample_of(config, data, comm),
               *data.train,
               {.draws = config.probe_draws,
                .batch_size = config.batch_size,
                .seed = static_cast<uint64_t>(config.seed),
                .decay_rule = to_train_options(config).decay_rule,
                .threads = at::get_num_threads(),
                .smoothed = !config.probe_unsmoothed}) {}

  ProbeResult measure(const ProbePoint& point) override {
    ProbeResult result{.figures = probe_.measure({.x = point.x,
                                                  .average = point.average,
                                                  .learning_rate = point.learning_rate,
                                                  .pull = point.pull,
                                                  .push = point.push,
                                                  .buffers = point.buffers}),
                       .text = {},
                       .passes = probe_.passes()};
    result.text = probe_text(result.figures);
    return result;
  }

 private:
  static TrainingSample sample_of(const RunConfig& config, const DataSplits& data,
                                  const Communicator& comm) {
    if (config.probe_draws == 0) return {};
    return draw_training_sample(data.train, config.probe_samples,
                                static_cast<uint64_t>(config.seed),
                                to_train_options(config).partition, comm.size(), "--probe-samples");
  }

  LiveProbe probe_;
};

}  // namespace

std::unique_ptr<Probe> make_probe(const RunConfig& config, const DataSplits& data,
                                  Communicator& comm) {
  return std::make_unique<DynamicsProbe>(config, data, comm);
}

}  // namespace valley::app
