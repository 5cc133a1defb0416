#include "valley/analysis/dynamics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/instrument.h"
#include "app/numbers.h"
#include "app/pass_meter.h"
#include "valley/analysis/batch_gradients.h"
#include "valley/analysis/effective_rate.h"
#include "valley/analysis/figures.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/smoothed_loss.h"
#include "valley/analysis/spread.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/random.h"
#include "valley/core/version.h"
#include "valley/data/loader.h"
#include "valley/data/training_sample.h"
#include "valley/picture/table.h"
#include "valley/record/json_file.h"
#include "valley/record/metrics.h"
#include "valley/record/progress.h"
#include "valley/record/run_folder.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFile = "dynamics.json";
constexpr size_t kCurvePoints = 2000;
constexpr size_t kWideTable = 8;  // workers whose angles fit a terminal

struct DynamicsFlags : InstrumentFlags {
  int64_t draws = 20;
  double sigma = 0;
  std::string batch_norm = "average";
};

void check_flags(const DynamicsFlags& flags) {
  check(flags);
  require(flags.draws >= 2, "--draws must be at least 2, got {}", flags.draws);
  require(std::isfinite(flags.sigma) && flags.sigma >= 0, "--sigma must be at least 0, got {}",
          flags.sigma);
  parse_batch_norm(flags.batch_norm);
}

Json to_json(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(finite_or_null(value));
  return list;
}

// The examples that everything is measured on, and which of them each worker trained on.
TrainingSample sample_of(const FinishedRun& run, const DataSplits& data,
                         const DynamicsFlags& flags) {
  try {
    return draw_training_sample(data.train, flags.samples, flags.seed_bits(),
                                to_train_options(run.config()).partition, run.workers(),
                                "--samples");
  } catch (const UsageError& error) {
    throw UsageError(run.folder() + ": " + error.what());
  }
}

// What every part of the work needs, and how far it is.
struct Work {
  const FinishedRun& run;
  const DynamicsFlags& flags;
  const RunWeights& weights;
  const TrainingSample& sample;
  const Dataset& train;
  const DataSplits& data;
  Objective& objective;
  double passes_of_loss;  // 2 where BatchNorm's statistics are re-estimated first
  PassMeter& meter;
};

Json with_cost(Json json, double passes, double start) {
  json["passes"] = passes;
  json["seconds"] = now_seconds() - start;
  return json;
}

Json spread_json(Work& work, const WorkerSpread& spread, const Forces& forces) {
  const double start = now_seconds();
  Json json = spread_figures(spread, work.weights.average.numel());
  json["pull"] = finite_or_null(forces.pull);
  json["push"] = finite_or_null(forces.push);
  json["losses"] = Json::array();
  for (const at::Tensor& x : work.weights.workers) {
    json["losses"].push_back(finite_or_null(work.objective.loss(x)));
  }
  return with_cost(json, work.passes_of_loss * static_cast<double>(work.weights.workers.size()),
                   start);
}

// Mini-batch gradients, and the statistics with which BatchNorm takes them at the average and at
// the workers: those of the examples there, or undefined without BatchNorm.
struct Gradients {
  std::unique_ptr<BatchGradients> of_batches;
  at::Tensor at_average = {};
  std::vector<at::Tensor> at_workers = {};
  double passes = 0;
};

Gradients gradients_of(Work& work) {
  Gradients gradients{std::make_unique<BatchGradients>(
      [&] { return work.run.make_model(work.data); }, work.sample.data, work.train,
      work.run.decay_rule(), std::min(work.objective.threads(), work.run.workers()))};
  const auto statistics_at = [&](const at::Tensor& x) {
    at::Tensor statistics = gradients.of_batches->statistics_at(x);
    if (statistics.defined()) {
      ++gradients.passes;
      work.meter.add(1);
    }
    return statistics;
  };
  gradients.at_average = statistics_at(work.weights.average);
  for (const at::Tensor& x : work.weights.workers) {
    gradients.at_workers.push_back(statistics_at(x));
  }
  return gradients;
}

// That of the loss at the average, taken as those of the mini-batches are.
at::Tensor whole_gradient(Work& work, const Gradients& gradients) {
  if (!gradients.at_average.defined())
    return work.objective.gradient(work.weights.average).gradient;
  const auto model = work.run.make_model(work.data);
  const at::Tensor before =
      FlatParameters(model->parameters(), model->buffers(), work.run.decay_rule()).buffers();
  work.objective.set_buffers(gradients.at_average);
  at::Tensor gradient = work.objective.gradient(work.weights.average).gradient;
  work.objective.set_buffers(before);
  return gradient;
}

Json rate_json(Work& work, Gradients& gradients, const at::Tensor& gradient,
               double passes_of_draw) {
  const double start = now_seconds();
  const int count = work.run.workers();
  std::vector<Sampler> samplers;
  for (int m = 0; m < count; ++m) {
    samplers.emplace_back(SamplerOptions{.examples = work.sample.data->size(),
                                         .batch_size = work.run.config().batch_size,
                                         .rank = m,
                                         .workers = count,
                                         .seed = work.flags.seed_bits()},
                          work.sample.partition);
  }
  const auto size = static_cast<size_t>(count);
  const std::vector<at::Tensor> center(size, work.weights.average);
  const std::vector<at::Tensor> statistics(size, gradients.at_average);
  std::vector<StepParts> steps;
  size_t batch_size = 0;
  for (int64_t k = 0; k < work.flags.draws; ++k) {
    std::vector<std::vector<int64_t>> batches;
    for (Sampler& sampler : samplers) {
      // The first of an epoch: epochs are independent of each other, their steps are not.
      const auto batch = sampler.batch(k * sampler.steps_per_epoch());
      batches.emplace_back(batch.begin(), batch.end());
    }
    batch_size = batches.front().size();
    BatchGradients& of_batches = *gradients.of_batches;
    steps.push_back(
        step_parts(gradient, of_batches.mean(center, batches, statistics),
                   of_batches.mean(work.weights.workers, batches, gradients.at_workers)));
    work.meter.add(passes_of_draw);
  }
  Json json = rate_figures(effective_rate(steps), work.run.config().lr);
  json["batch_size"] = batch_size;
  json["draws"] = work.flags.draws;
  return with_cost(json, passes_of_draw * static_cast<double>(work.flags.draws), start);
}

// The loss and the smoothed loss, and how both bend along the gradient and towards the workers.
Json smoothed_json(Work& work, double sigma, const at::Tensor& gradient,
                   const std::vector<at::Tensor>& towards) {
  const double start = now_seconds();
  double passes = 0;
  const auto loss = [&](const at::Tensor& x) {
    passes += work.passes_of_loss;
    return work.objective.loss(x);
  };
  const Json json =
      smoothed_figures(loss, {.average = work.weights.average,
                              .gradient = gradient,
                              .towards = towards.empty() ? Directions() : in_turn(towards),
                              .directions = static_cast<int64_t>(towards.size()),
                              .sigma = sigma,
                              .draws = work.flags.draws,
                              .seed = work.flags.seed_bits()});
  return with_cost(json, passes, start);
}

Json series_of(const std::vector<DynamicsCurve>& curves) {
  Json series = Json::array();
  for (const DynamicsCurve& whole : curves) {
    const DynamicsCurve curve = thinned(whole, kCurvePoints);
    series.push_back({{"name", curve.name},
                      {"panel", curve.panel},
                      {"unit", curve.unit},
                      {"at", curve.at},
                      {"x", to_json(curve.x)},
                      {"y", to_json(curve.y)}});
  }
  return series;
}

Json measure_run(const FinishedRun& run, const DynamicsFlags& flags, Progress& progress) {
  const double start = now_seconds();
  const auto metrics = read_metrics(fs::path(run.folder()) / RunFolder::kMetrics);
  const DataSplits data = run.load_data();
  const RunWeights weights = run.load_weights(data);
  const TrainingSample sample = sample_of(run, data, flags);

  const auto workers = static_cast<double>(run.workers());
  // A gradient at the average and one at its own weights, 3 passes over each worker's mini-batch.
  const double passes_of_draw = 6 * workers * static_cast<double>(run.config().batch_size) /
                                static_cast<double>(sample.data->size());
  const double draws = static_cast<double>(flags.draws);
  const BatchNormAt batch_norm = parse_batch_norm(flags.batch_norm);
  const double passes_of_loss = batch_norm == BatchNormAt::kProbe ? 2 : 1;
  const double at_average = passes_of_loss, at_workers = passes_of_loss * workers, of_gradient = 3,
               of_rate = passes_of_draw * draws,
               of_smoothing = passes_of_loss * (3 * (1 + workers) + 5 * draws);
  PassMeter meter(progress, {at_average, at_workers, of_gradient, of_rate, of_smoothing});
  Objective objective([&] { return run.make_model(data); }, sample.data, *data.train,
                      {.threads = static_cast<int>(flags.workers),
                       .decay_rule = run.decay_rule(),
                       .batch_norm = batch_norm,
                       .on_passes = [&](double passes) { meter.add(passes); }});
  Work work{run, flags, weights, sample, *data.train, data, objective, passes_of_loss, meter};

  meter.begin(at_average);
  const PointScores scores = objective.scores(weights.average);
  require_finite(scores.loss, run);
  const Summary& s = run.summary();
  Json result = about(run);
  result.update({{"workers", s.workers},
                 {"run_seed", s.seed},
                 {"parameters", objective.size()},
                 {"examples", sample.data->size()},
                 {"training_examples", data.train->size()},
                 {"seed", flags.seed},
                 {"batch_norm", flags.batch_norm},
                 {"loss", scores.loss},
                 {"accuracy", scores.accuracy}});
  Json notes = Json::array();

  auto curves = dynamics_curves(metrics);
  for (DynamicsCurve& curve : probe_curves(metrics)) curves.push_back(std::move(curve));
  result["rounds"] = recorded_rounds(metrics);
  result["x_label"] = "step";
  result["series"] = series_of(curves);
  if (result["rounds"] == 0)
    notes.push_back(s.algorithm + " has no rounds: no pull, push or potential");

  meter.begin(at_workers);
  const WorkerSpread spread = spread_of_workers(weights.average, weights.workers);
  result["spread"] = spread_json(work, spread, last_forces(metrics));
  if (run.workers() == 1) {
    notes.push_back("one worker: spread and angles need two");
  } else if (!spread.has_directions()) {
    notes.push_back("all workers are at the average: no angles, and nothing that a spread adds");
  }

  meter.begin(of_gradient);
  const double before = now_seconds();
  Gradients gradients = gradients_of(work);
  const at::Tensor gradient = whole_gradient(work, gradients);
  const double norm = gradient.to(at::kDouble).norm().item<double>();
  result["gradient"] = with_cost({{"norm", norm}}, of_gradient + gradients.passes, before);
  meter.begin(norm > 0 ? of_rate : 0);
  if (norm > 0) {
    result["effective_rate"] = rate_json(work, gradients, gradient, passes_of_draw);
  } else {
    notes.push_back("the gradient at the average is 0: no effective learning rate");
  }

  const double sigma = flags.sigma > 0 ? flags.sigma
                       : spread.has_directions()
                           ? result["spread"]["sigma_per_parameter"].get<double>()
                           : 0;
  meter.begin(sigma > 0 ? of_smoothing : 0);
  if (sigma > 0) {
    result["smoothed"] = smoothed_json(work, sigma, gradient,
                                       directions_of(spread, weights.average, weights.workers));
    if (result["smoothed"].contains("note"))
      notes.push_back("smoothed loss: " + result["smoothed"]["note"].get<std::string>());
  } else {
    notes.push_back("no spread to smooth the loss with: give --sigma");
  }
  meter.finish();
  result["notes"] = notes;
  result["seconds"] = now_seconds() - start;
  result["version"] = kVersion;
  return result;
}

std::string short_number(const Json& value) {
  return value.is_null() ? "-" : fmt::format("{:.4g}", value.get<double>());
}

std::string estimate_text(const Json& estimate) {
  if (estimate["value"].is_null()) return "-";
  return fmt::format("{:.4g} ± {:.2g}", estimate["value"].get<double>(),
                     estimate["standard_error"].get<double>());
}

// The curves of rounds, evaluations or probes at their first, middle and last point.
std::string curves_table(const Json& result, const std::string& at) {
  std::vector<Json> series;
  for (const Json& one : result["series"]) {
    if (one["at"] == at) series.push_back(one);
  }
  if (series.empty()) return "";
  const size_t last = series[0]["x"].size() - 1;
  std::vector<Table::Column> columns = {{"at " + at}};
  const std::set<size_t> points = {0, last / 4, last / 2, last - last / 4, last};
  for (const size_t i : points) {
    columns.push_back(
        {fmt::format("step {}", short_number(series[0]["x"][i])), Table::Align::kRight});
  }
  Table table(columns);
  for (const Json& one : series) {
    std::vector<std::string> cells = {one["name"]};
    for (const size_t i : points) cells.push_back(short_number(one["y"][i]));
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

std::string workers_table(const Json& result) {
  const Json& spread = result["spread"];
  const size_t count = spread["distances"].size();
  const bool forces = result["rounds"] > 0, angles = count > 1 && count <= kWideTable;
  std::vector<Table::Column> columns = {
      {"at the end"}, {"distance", Table::Align::kRight}, {"loss", Table::Align::kRight}};
  if (forces) columns.push_back({"pull", Table::Align::kRight});
  if (forces) columns.push_back({"push", Table::Align::kRight});
  for (size_t m = 0; angles && m < count; ++m) {
    columns.push_back({fmt::format("{}to {}", m == 0 ? "angle " : "", m), Table::Align::kRight});
  }
  Table table(columns);
  for (size_t m = 0; m < count; ++m) {
    const Json& r = spread["distances"][m];
    std::vector<std::string> cells = {fmt::format("worker {}", m), short_number(r),
                                      short_number(spread["losses"][m])};
    if (forces && spread["pull"].is_number()) {
      cells.push_back(short_number(spread["pull"].get<double>() * r.get<double>()));
      cells.push_back(short_number(spread["push"]));
    }
    for (size_t k = 0; angles && k < count; ++k) {
      const Json& angle = spread["angles"][m][k];
      cells.push_back(k == m            ? ""
                      : angle.is_null() ? "-"
                                        : fmt::format("{:.0f}°", angle.get<double>()));
    }
    table.add_row(std::move(cells));
  }
  table.add_row({"average", "", short_number(result["loss"])});
  return table.to_string();
}

std::string cost_of(const Json& part) {
  return fmt::format("{:.0f} passes, {}", part["passes"].get<double>(),
                     format_seconds(part["seconds"]));
}

std::string figures_table(const Json& result) {
  Table table({{"noise at the end"}, {"value", Table::Align::kRight}, {"cost"}});
  const Json& spread = result["spread"];
  table.add_row(
      {"consensus distance", short_number(spread["consensus_distance"]), cost_of(spread)});
  table.add_row({"sigma_w^2", short_number(spread["sigma_w_squared"])});
  table.add_row({"sigma_w a parameter", short_number(spread["sigma_per_parameter"])});
  table.add_row({"||g||", short_number(result["gradient"]["norm"]), cost_of(result["gradient"])});
  if (result.contains("effective_rate")) {
    const Json& r = result["effective_rate"];
    table.add_row({"alpha_e / alpha", estimate_text(r["alpha_e_over_alpha"]), cost_of(r)});
    table.add_row({"  of the spread alone", estimate_text(r["alpha_e_over_alpha_of_spread"])});
    table.add_row({"Delta / alpha^2", estimate_text(r["delta_over_alpha_squared"])});
    table.add_row({"  of zeta_S", estimate_text(r["delta_of_zeta_s"])});
    table.add_row({"  of zeta_2", estimate_text(r["delta_of_zeta_2"])});
    table.add_row({"  of both together", estimate_text(r["delta_of_both"])});
    table.add_row({"||zeta_S||^2", estimate_text(r["zeta_s_squared"])});
    table.add_row({"||zeta_2||^2", estimate_text(r["zeta_2_squared"])});
  }
  if (result.contains("smoothed") && result["smoothed"].contains("smoothed_loss")) {
    const Json& smooth = result["smoothed"];
    table.add_row({fmt::format("smoothed loss, sigma {}", short_number(smooth["sigma"])),
                   estimate_text(smooth["smoothed_loss"]), cost_of(smooth)});
    for (const auto& [name, curvature] : smooth["curvature"].items()) {
      const std::string where = name == "along_gradient" ? "along g" : "towards workers";
      table.add_row({"  curvature " + where, estimate_text(curvature["of_smoothed_loss"])});
      table.add_row({"    of the loss itself", short_number(curvature["of_loss"])});
      table.add_row({"    at most", short_number(curvature["bound"])});
    }
  }
  return table.to_string();
}

std::string dynamics_text(const Json& result) {
  std::string text =
      fmt::format("{}: {}, {} worker{}, {} on {}\n\n", result["run"].get<std::string>(),
                  result["algorithm"].get<std::string>(), result["workers"].get<int>(),
                  result["workers"] == 1 ? "" : "s", result["model"].get<std::string>(),
                  result["data"].get<std::string>());
  for (const std::string& table :
       {curves_table(result, "rounds"), curves_table(result, "evaluations"),
        curves_table(result, "probes"), workers_table(result), figures_table(result)}) {
    if (!table.empty()) text += table + "\n";
  }
  for (const Json& note : result["notes"]) text += note.get<std::string>() + "\n";
  text += fmt::format("{} of {} training examples, seed {}, {}; written to {}\n",
                      format_count(result["examples"]), format_count(result["training_examples"]),
                      result["seed"].get<int64_t>(), format_seconds(result["seconds"]),
                      (fs::path(result["run"].get<std::string>()) / kFile).string());
  return text;
}

int dynamics(const DynamicsFlags& flags) {
  check_flags(flags);
  const std::vector<FinishedRun> runs = open_given(flags);
  for (const FinishedRun& run : runs) {
    require(flags.samples == 0 || flags.samples >= run.workers(),
            "--samples {} are fewer than the {} workers of {}", flags.samples, run.workers(),
            run.folder());
  }
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, Progress& progress) {
    all.push_back(measure_run(runs[i], flags, progress));
    write_json(fs::path(runs[i].folder()) / kFile, all.back());
    text += (text.empty() ? "" : "\n\n") + dynamics_text(all.back());
  });
  return show({{"runs", all}}, text, flags);
}

}  // namespace

Command add_dynamics(CLI::App& program) {
  auto* command = program.add_subcommand(
      "dynamics", "how the workers of a finished run moved, and the noise they live in");
  auto flags = std::make_shared<DynamicsFlags>();
  add_run_flags(*command, *flags);
  add_sample_flags(
      *command, *flags,
      "training examples for losses, gradient and mini-batches, drawn balanced; 0: all",
      "of the examples and of all draws");
  add_number(*command, "--draws", flags->draws,
             "of mini-batches, and of noise for the smoothed loss");
  add_number(*command, "--sigma", flags->sigma,
             "deviation of the noise that smooths the loss; 0: the workers' own");
  command
      ->add_option(
          "--batch-norm", flags->batch_norm,
          "of losses: average: the statistics of the average model; probe: re-estimated "
          "wherever one is taken, at twice its cost; gradients have those of their own point")
      ->capture_default_str();
  command->footer(
      "Writes dynamics.json into every run folder; valley report draws it. What each figure\n"
      "is, costs, and when it misleads: docs/dynamics.md. Examples:\n"
      "  valley dynamics runs/first\n"
      "  valley dynamics runs/compare --samples 0 --draws 100\n"
      "  valley dynamics runs/a runs/b --json --quiet");
  return [flags] { return dynamics(*flags); };
}

}  // namespace valley::app
