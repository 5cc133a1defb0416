#include "app/engine/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

std::string spread(const ComparisonRow& row, const char* format,
                   const std::function<double(const Summary&)>& value) {
  std::vector<double> values;
  for (const auto& run : row.runs) values.push_back(value(run));
  const std::string mean = fmt::format(fmt::runtime(format), mean_of(values));
  if (values.size() < 2) return mean;
  return mean + " ± " + fmt::format(fmt::runtime(format), deviation_of(values));
}

// All methods of a comparison are trained for one task.
ScoreSheet sheet_of_rows(const std::vector<ComparisonRow>& rows) {
  for (const ComparisonRow& row : rows) {
    if (!row.runs.empty()) return row.runs.front().sheet;
  }
  return classification_scores();
}

}  // namespace

std::string summary_table(const Summary& s) {
  Table table({{"average of the workers"}, {"", Table::Align::kRight}});
  for (const auto& [of, scores] : {std::pair("test", s.test), std::pair("train", s.train)}) {
    for (const ScoreInfo& score : s.sheet.headline_first())
      table.add_row({score_words(of, score), score_text(score, scores[score.name])});
  }
  if (!s.test_by_worker.empty()) {
    const std::string& name = s.sheet.main().name;
    const auto [low, high] =
        std::minmax_element(s.test_by_worker.begin(), s.test_by_worker.end(),
                            [&](const Scores& a, const Scores& b) { return a[name] < b[name]; });
    table.add_row({"  of the workers", score_text(s.sheet.main(), (*low)[name]) + " to " +
                                           score_text(s.sheet.main(), (*high)[name])});
  }
  table.add_row({"generalisation gap", score_difference(s.sheet.main(), s.generalization_gap)});
  table.add_row({"valley width", fmt::format("{:.3f}", s.valley_width)});
  table.add_row({"predicted width", fmt::format("{:.3f}", s.predicted_width)});
  table.add_row({"rounds", format_count(s.rounds)});
  table.add_row({"bytes sent a worker", format_bytes(s.comm_bytes_per_worker)});
  table.add_row(
      {"as share of synchronous SGD", fmt::format("{:.1f} %", 100 * s.comm_fraction_of_ssgd)});
  table.add_row({"samples a second", format_count(std::llround(s.samples_per_second))});
  table.add_row({"time", format_seconds(s.seconds.total)});
  if (s.probes.count > 0) {
    table.add_row({"  of it for probes", format_seconds(s.seconds.probe)});
    table.add_row({"probes", fmt::format("{}, {:.0f} passes", s.probes.count, s.probes.passes)});
    table.add_row({"  bytes sent a worker", format_bytes(s.probes.bytes)});
  }
  const std::string caution = s.caution();
  return table.to_string() + (caution.empty() ? "" : fmt::format("\ncaution: {}\n", caution));
}

std::string comparison_table(const std::vector<ComparisonRow>& rows) {
  using Align = Table::Align;
  const ScoreSheet sheet = sheet_of_rows(rows);
  const bool share = sheet.main().is_share;
  std::vector<Table::Column> columns = {{"method"}};
  for (const ScoreInfo& score : sheet.headline_first())
    columns.push_back({score_column("test", score), Align::kRight});
  for (const char* title : {"train loss", share ? "gap %" : "gap", "valley width", "predicted",
                            "bytes sent", "of ssgd", "seconds"})
    columns.push_back({title, Align::kRight});
  Table table(columns);
  for (const auto& row : rows) {
    std::vector<double> bytes;
    for (const auto& run : row.runs)
      bytes.push_back(static_cast<double>(run.comm_bytes_per_worker));
    std::vector<std::string> cells = {row.label};
    const auto add = [&](const char* format, const std::function<double(const Summary&)>& value) {
      cells.push_back(spread(row, format, value));
    };
    for (const ScoreInfo& score : sheet.headline_first()) {
      add(score.is_share         ? "{:.2f}"
          : score.name == "loss" ? "{:.3f}"
                                 : "{:.4g}",
          [&](const Summary& s) { return score_scale(score) * s.test[score.name]; });
    }
    add("{:.4f}", [](const Summary& s) { return s.train.loss(); });
    add(share ? "{:.2f}" : "{:.4g}",
        [&](const Summary& s) { return score_scale(sheet.main()) * s.generalization_gap; });
    add("{:.2f}", [](const Summary& s) { return s.valley_width; });
    add("{:.2f}", [](const Summary& s) { return s.predicted_width; });
    cells.push_back(format_bytes(std::llround(mean_of(bytes))));
    add("{:.1f} %", [](const Summary& s) { return 100 * s.comm_fraction_of_ssgd; });
    add("{:.1f}", [](const Summary& s) { return s.seconds.total; });
    table.add_row(std::move(cells));
  }
  std::string cautions;
  for (const auto& row : rows) {
    for (const Summary& run : row.runs) {
      const std::string caution = run.caution();
      if (caution.empty()) continue;
      cautions += fmt::format("caution: {}, seed {}: {}\n", row.label, run.seed, caution);
    }
  }
  return table.to_string() + (cautions.empty() ? "" : "\n" + cautions);
}

}  // namespace valley::app
