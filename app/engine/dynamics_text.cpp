#include "app/engine/dynamics_text.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <vector>

#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

constexpr size_t kWideTable = 8;  // workers whose angles fit a terminal

std::string short_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-";
}

std::string estimate_text(const Estimate& estimate) {
  if (!std::isfinite(estimate.value)) return "-";
  return fmt::format("{:.4g} ± {:.2g}", estimate.value, estimate.standard_error);
}

// The curves of rounds, evaluations or probes at their first, middle and last point.
std::string curves_table(const DynamicsResult& result, const std::string& at) {
  std::vector<const DynamicsCurve*> series;
  for (const DynamicsCurve& curve : result.curves) {
    if (curve.at == at) series.push_back(&curve);
  }
  if (series.empty()) return "";
  const std::vector<double>& steps = series[0]->x;
  const size_t last = steps.size() - 1;
  std::vector<Table::Column> columns = {{"at " + at}};
  const std::set<size_t> points = {0, last / 4, last / 2, last - last / 4, last};
  for (const size_t i : points) {
    columns.push_back({fmt::format("step {}", short_number(steps[i])), Table::Align::kRight});
  }
  Table table(columns);
  for (const DynamicsCurve* curve : series) {
    std::vector<std::string> cells = {curve->name};
    for (const size_t i : points) cells.push_back(short_number(curve->y[i]));
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

std::string workers_table(const DynamicsResult& result) {
  const auto& [figures, last, losses, cost] = result.spread;
  const WorkerSpread& spread = figures.spread;
  const size_t count = spread.distances.size();
  const bool forces = result.rounds > 0, angles = count > 1 && count <= kWideTable;
  std::vector<Table::Column> columns = {
      {"at the end"}, {"distance", Table::Align::kRight}, {"loss", Table::Align::kRight}};
  if (forces) columns.push_back({"pull", Table::Align::kRight});
  if (forces) columns.push_back({"push", Table::Align::kRight});
  for (size_t m = 0; angles && m < count; ++m) {
    columns.push_back({fmt::format("{}to {}", m == 0 ? "angle " : "", m), Table::Align::kRight});
  }
  Table table(columns);
  for (size_t m = 0; m < count; ++m) {
    const double r = spread.distances[m];
    std::vector<std::string> cells = {fmt::format("worker {}", m), short_number(r),
                                      short_number(losses[m])};
    if (forces && std::isfinite(last.pull)) {
      cells.push_back(short_number(last.pull * r));
      cells.push_back(short_number(last.push));
    }
    for (size_t k = 0; angles && k < count; ++k) {
      const double angle = spread.angles[m][k];
      cells.push_back(k == m ? "" : !std::isfinite(angle) ? "-" : fmt::format("{:.0f}°", angle));
    }
    table.add_row(std::move(cells));
  }
  table.add_row({"average", "", short_number(result.scores.loss())});
  return table.to_string();
}

std::string cost_of(const PartCost& part) {
  return fmt::format("{:.0f} passes, {}", part.passes, format_seconds(part.seconds));
}

void add_rate(Table& table, const DynamicsResult::Rate& rate) {
  const EffectiveRate& r = rate.figures.parts;
  table.add_row({"alpha_e / alpha", estimate_text(r.rate), cost_of(rate.cost)});
  table.add_row({"  of the spread alone", estimate_text(r.spread_rate)});
  table.add_row({"Delta / alpha^2", estimate_text(r.noise)});
  table.add_row({"  of zeta_S", estimate_text(r.batch_noise)});
  table.add_row({"  of zeta_2", estimate_text(r.spread_noise)});
  table.add_row({"  of both together", estimate_text(r.joint_noise)});
  table.add_row({"||zeta_S||^2", estimate_text(r.batch_square)});
  table.add_row({"||zeta_2||^2", estimate_text(r.spread_square)});
}

void add_smoothed(Table& table, const DynamicsResult::Smoothed& smoothed) {
  const SmoothedFigures& figures = smoothed.figures;
  if (!figures.smoothed_loss) return;
  table.add_row({fmt::format("smoothed loss, sigma {}", short_number(figures.sigma)),
                 estimate_text(*figures.smoothed_loss), cost_of(smoothed.cost)});
  for (const Curvature& curvature : figures.curvatures) {
    const std::string where = curvature.name == "along_gradient" ? "along g" : "towards workers";
    table.add_row({"  curvature " + where, estimate_text(curvature.of_smoothed_loss)});
    table.add_row({"    of the loss itself", short_number(curvature.of_loss)});
    table.add_row({"    at most", short_number(curvature.bound)});
  }
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

void add_alignment(Table& table, const DynamicsResult::Aligned& aligned) {
  const Alignment& a = aligned.figures;
  table.add_row({fmt::format("gaps within {} sharpest directions", a.sharp.values.size()),
                 short_number(mean_of(a.of_workers)), cost_of(aligned.cost)});
  table.add_row({"  g", short_number(a.of_gradient)});
  table.add_row({"  random directions", estimate_text(a.of_random)});
  table.add_row({"curvature along gaps", short_number(mean_of(a.bend_of_workers))});
  table.add_row({"  along random directions", estimate_text(a.bend_of_random)});
  table.add_row({"  along the sharpest", short_number(a.sharp.values.front())});
  table.add_row({"mean d^T H d", short_number(a.penalty)});
}

std::string figures_table(const DynamicsResult& result) {
  Table table({{"noise at the end"}, {"value", Table::Align::kRight}, {"cost"}});
  const SpreadFigures& spread = result.spread.figures;
  table.add_row(
      {"consensus distance", short_number(spread.consensus_distance), cost_of(result.spread.cost)});
  table.add_row({"sigma_w^2", short_number(spread.spread.variance)});
  table.add_row({"sigma_w a parameter", short_number(spread.sigma_per_parameter)});
  table.add_row({"||g||", short_number(result.gradient.norm), cost_of(result.gradient.cost)});
  if (result.rate) add_rate(table, *result.rate);
  if (result.smoothed) add_smoothed(table, *result.smoothed);
  if (result.alignment) add_alignment(table, *result.alignment);
  return table.to_string();
}

}  // namespace

std::string dynamics_text(const DynamicsResult& result) {
  const RunFacts& run = result.run;
  std::string text = fmt::format("{}: {}, {} worker{}, {} on {}\n\n", run.folder, run.algorithm,
                                 run.workers, run.workers == 1 ? "" : "s", run.model, run.data);
  for (const std::string& table :
       {curves_table(result, "rounds"), curves_table(result, "evaluations"),
        curves_table(result, "probes"), workers_table(result), figures_table(result)}) {
    if (!table.empty()) text += table + "\n";
  }
  for (const std::string& note : result.notes) text += note + "\n";
  text += fmt::format("{} of {} training examples, seed {}, {}; written to {}\n",
                      format_count(result.examples), format_count(result.training_examples),
                      result.options.seed, format_seconds(result.seconds),
                      (std::filesystem::path(run.folder) / kDynamicsFile).string());
  return text;
}

}  // namespace valley::app
