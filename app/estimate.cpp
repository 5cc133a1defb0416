#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/numbers.h"
#include "app/options.h"
#include "app/paths.h"
#include "app/shapes.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/picture/curves.h"
#include "valley/picture/table.h"
#include "valley/record/json_file.h"
#include "valley/record/run_folder.h"
#include "valley/record/units.h"
#include "valley/train/step_time.h"

namespace valley::app {
namespace {

constexpr double kShare = 0.05;  // of the time, for communication: little
constexpr int64_t kMostWorkers = 100'000;

struct EstimateFlags {
  RunConfig config;
  std::string run;
  int64_t parameters = 0;
  std::string shapes;
  std::vector<MatrixShape> layers = {};
  double step_seconds = 0, spread = 0;
  double bandwidth = 1000, latency = 0.1;
  std::string svg;
  bool json = false;

  Network network() const {
    return {parameters, layers.empty() ? layers : with_the_rest(layers, parameters)};
  }
  LocalStep local() const { return {step_seconds, spread}; }
  Link link() const { return {bandwidth * 1e6, latency * 1e-3}; }
};

// What a finished run has measured, where nobody says otherwise.
void take_from_run(EstimateFlags& flags) {
  namespace fs = std::filesystem;
  const fs::path file = fs::path(flags.run) / RunFolder::kSummary;
  require(fs::exists(file), "--run {} is no finished run: it has no summary.json", flags.run);
  const Json summary = read_json(file);
  const fs::path model = fs::path(flags.run) / RunFolder::kModel;
  if (flags.layers.empty() && flags.parameters == 0 && fs::exists(model))
    flags.layers = shapes_in(model.string());
  const Json& seconds = summary.at("seconds");
  const double computed = seconds.at("compute").get<double>() + seconds.at("data").get<double>();
  if (flags.parameters == 0) flags.parameters = summary.at("parameters");
  if (flags.step_seconds == 0) flags.step_seconds = computed / summary.at("steps").get<double>();
}

RunConfig with(RunConfig config, const std::string& algorithm, int64_t workers) {
  config.algorithm = algorithm;
  config.workers = workers;
  return config;
}

Json to_json(const StepTime& time) {
  return {{"compute", time.compute}, {"wait", time.wait},     {"communicate", time.communicate},
          {"hidden", time.hidden},   {"total", time.total()}, {"wire_bytes", time.wire_bytes}};
}

// Steps a second of all workers together, over their number.
std::string picture(const RunConfig& config, const EstimateFlags& flags) {
  Panel panel{.title = fmt::format("{:g} Mbit/s, {:g} ms", flags.bandwidth, flags.latency),
              .x_label = "workers, log2",
              .curves = {},
              .logarithmic = true};
  std::vector<std::string> names = {config.algorithm};
  if (config.algorithm != "ssgd") names.push_back("ssgd");
  for (const std::string& name : names) {
    Curve curve{.label = name, .points = {}};
    for (int64_t m = 1; m <= kMostWorkers; m *= 2) {
      const StepTime time =
          step_time(with(config, name, m), flags.network(), flags.local(), flags.link());
      curve.points.emplace_back(std::log2(double(m)), double(m) / time.total());
    }
    panel.curves.push_back(std::move(curve));
  }
  Curve ideal{.label = "if talking cost nothing", .points = {}, .dashed = true};
  for (int64_t m = 1; m <= kMostWorkers; m *= 2)
    ideal.points.emplace_back(std::log2(double(m)), double(m) / flags.step_seconds);
  panel.curves.push_back(std::move(ideal));
  return curves_svg("local steps a second, estimated", {panel});
}

std::string percent(double part, double whole) {
  return fmt::format("{:.3g} %", 100 * part / whole);
}

int estimate(const CLI::App& command, EstimateFlags flags) {
  require(flags.bandwidth > 0, "--bandwidth must be above 0 Mbit/s, got {}", flags.bandwidth);
  if (!flags.shapes.empty()) flags.layers = parse_shapes(flags.shapes);
  std::string file;
  if (!flags.run.empty()) {
    take_from_run(flags);
    file = (std::filesystem::path(flags.run) / RunFolder::kConfig).string();
  }
  const RunConfig config = resolved(resolve_config(command, flags.config, file));
  for (const auto& key : method_flags_given(command)) require_read(key, config.algorithm);
  require(flags.parameters > 0, "give --parameters, how many the network has, or --run");
  require(flags.step_seconds > 0,
          "give --step-seconds, what a local step takes one worker, or --run");
  require(config.workers <= kMostWorkers, "--workers must be at most {} here, got {}", kMostWorkers,
          config.workers);
  const LocalStep local = flags.local();
  const StepTime time = step_time(config, flags.network(), local, flags.link());
  const StepTime ssgd =
      step_time(with(config, "ssgd", config.workers), flags.network(), local, flags.link());
  const auto period = period_for_share(config, flags.network(), local, flags.link(), kShare);
  const bool pays = ssgd.communicate + ssgd.wait > kShare * ssgd.compute;
  if (!flags.svg.empty()) write_atomically(flags.svg, picture(config, flags));
  if (flags.json) {
    std::cout << Json{{"algorithm", config.algorithm},
                      {"workers", config.workers},
                      {"parameters", flags.parameters},
                      {"bandwidth", flags.bandwidth},
                      {"latency", flags.latency},
                      {"step", to_json(time)},
                      {"ssgd", to_json(ssgd)},
                      {"period_for_5_percent", period ? Json(*period) : Json(nullptr)},
                      {"talking_less_pays", pays}}
                     .dump(2)
              << "\n";
    return 0;
  }
  Table table({{"a step of one worker"}, {config.algorithm}, {"ssgd"}});
  const auto row = [&](const std::string& name, double StepTime::*part) {
    table.add_row({name, format_seconds(time.*part), format_seconds(ssgd.*part)});
  };
  row("compute", &StepTime::compute);
  row("wait for the slowest", &StepTime::wait);
  row("communicate", &StepTime::communicate);
  row("communicate, hidden", &StepTime::hidden);
  table.add_row({"in all", format_seconds(time.total()), format_seconds(ssgd.total())});
  table.add_row({"of it talking and waiting", percent(time.total() - time.compute, time.total()),
                 percent(ssgd.total() - ssgd.compute, ssgd.total())});
  table.add_row({"sent over its link", format_bytes(std::llround(time.wire_bytes)),
                 format_bytes(std::llround(ssgd.wire_bytes))});
  const auto speedup = [&](const StepTime& t) {
    return fmt::format("{:.3g}", double(config.workers) * local.seconds / t.total());
  };
  table.add_row({"times as fast as one worker", speedup(time), speedup(ssgd)});
  std::cout << fmt::format("{} workers, {} parameters, {:g} Mbit/s, {:g} ms, {} a local step\n\n",
                           format_count(config.workers), format_count(flags.parameters),
                           flags.bandwidth, flags.latency, format_seconds(local.seconds))
            << table.to_string() << "\n";
  if (period) {
    std::cout << fmt::format("With --period {} or more, talking takes at most 5 % of computing.\n",
                             *period);
  }
  std::cout << (pays ? "Talking less pays here: ssgd spends more than 5 % of its computing on it.\n"
                     : "Talking less saves little here: ssgd spends less than 5 % of its computing "
                       "on it.\n");
  if (!flags.svg.empty()) std::cout << "\nwritten to " << flags.svg << "\n";
  return 0;
}

}  // namespace

Command add_estimate(CLI::App& program) {
  auto* command = program.add_subcommand(
      "estimate", "say how long a step would take with other workers and links");
  auto flags = std::make_shared<EstimateFlags>();
  add_config_options(*command, flags->config);
  as_path(command->add_option("--run", flags->run,
                              "a finished run: its settings, parameters and seconds a step"));
  add_number(*command, "--parameters", flags->parameters, "of the network");
  command->add_option(
      "--shapes", flags->shapes,
      "ROWSxCOLUMNS,... of its matrices, of which --wire powersgd-RANK sends factors");
  add_number(*command, "--step-seconds", flags->step_seconds, "of a local step of one worker");
  add_number(*command, "--spread", flags->spread,
             "standard deviation of a local step, as a share of it");
  add_number(*command, "--bandwidth", flags->bandwidth, "of a worker's link, Mbit/s");
  add_number(*command, "--latency", flags->latency, "from one worker to another, ms");
  as_path(command->add_option("--svg", flags->svg, "draw speed over the number of workers"));
  command->add_flag("--json", flags->json, "print JSON instead of a table");
  command->footer(
      "A model, see docs/running.md: links of equal speed, workers of equal speed but for chance.\n"
      "  valley estimate --run runs/first --workers 64 --bandwidth 100 --latency 10\n"
      "  valley estimate --algorithm dppf --period 16 --workers 8 --parameters 11000000 \\\n"
      "      --step-seconds 0.2 --bandwidth 400 --svg speed.svg");
  return [command, flags] { return estimate(*command, *flags); };
}

}  // namespace valley::app
