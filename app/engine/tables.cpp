#include "app/engine/tables.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>

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

}  // namespace

std::string summary_table(const Summary& s) {
  Table table({{"average of the workers"}, {"", Table::Align::kRight}});
  table.add_row({"test accuracy", fmt::format("{:.2f} %", 100 * s.test_accuracy)});
  table.add_row({"test loss", fmt::format("{:.4f}", s.test_loss)});
  table.add_row({"train accuracy", fmt::format("{:.2f} %", 100 * s.train_accuracy)});
  table.add_row({"train loss", fmt::format("{:.4f}", s.train_loss)});
  table.add_row({"generalisation gap", fmt::format("{:.2f} %", 100 * s.generalization_gap)});
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
  Table table({{"method"},
               {"test acc. %", Align::kRight},
               {"test loss", Align::kRight},
               {"train loss", Align::kRight},
               {"gap %", Align::kRight},
               {"valley width", Align::kRight},
               {"predicted", Align::kRight},
               {"bytes sent", Align::kRight},
               {"of ssgd", Align::kRight},
               {"seconds", Align::kRight}});
  for (const auto& row : rows) {
    std::vector<double> bytes;
    for (const auto& run : row.runs)
      bytes.push_back(static_cast<double>(run.comm_bytes_per_worker));
    table.add_row(
        {row.label, spread(row, "{:.2f}", [](const Summary& s) { return 100 * s.test_accuracy; }),
         spread(row, "{:.3f}", [](const Summary& s) { return s.test_loss; }),
         spread(row, "{:.4f}", [](const Summary& s) { return s.train_loss; }),
         spread(row, "{:.2f}", [](const Summary& s) { return 100 * s.generalization_gap; }),
         spread(row, "{:.2f}", [](const Summary& s) { return s.valley_width; }),
         spread(row, "{:.2f}", [](const Summary& s) { return s.predicted_width; }),
         format_bytes(std::llround(mean_of(bytes))),
         spread(row, "{:.1f} %", [](const Summary& s) { return 100 * s.comm_fraction_of_ssgd; }),
         spread(row, "{:.1f}", [](const Summary& s) { return s.seconds.total; })});
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
