#include "app/topology_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "valley/picture/table.h"
#include "valley/record/units.h"
#include "valley/topology/traffic.h"

namespace valley::app {
namespace {

std::string steps_needed(const std::optional<int64_t>& steps) {
  return steps ? format_count(*steps) : "never";
}

}  // namespace

std::string number(double value) {
  return std::abs(value) < 1e-12 ? "0" : fmt::format("{:.4g}", value);
}

std::string facts_table(const Topology& topology, const TopologyFacts& facts,
                        const TopologyFlags& flags) {
  const int n = topology.workers();
  const Traffic bytes = traffic_of(topology, facts, flags.values);
  const bool even = facts.fewest_messages == facts.most_messages;
  Table table({{flags.name}, {fmt::format("{} {}", n, n == 1 ? "worker" : "workers")}});
  table.add_row({"changes", topology.cycle() == 0 ? "in every step, at random"
                            : topology.cycle() == 1
                                ? "never"
                                : fmt::format("in a cycle of {} steps", topology.cycle())});
  table.add_row({"edges", topology.directed() ? "directed" : "undirected"});
  table.add_row({"messages a step and worker",
                 even ? std::to_string(facts.most_messages)
                      : fmt::format("{} to {}, {:.3g} on average", facts.fewest_messages,
                                    facts.most_messages, facts.mean_messages)});
  std::string cost = format_bytes(std::llround(bytes.mean));
  if (!even) cost += fmt::format(" on average, at most {}", format_bytes(std::llround(bytes.most)));
  cost += fmt::format(" for {} float32 values", format_count(flags.values));
  table.add_row({"bytes a step and worker", cost});
  if (n > 1) {
    table.add_row(
        {"of what an all-reduce sends", fmt::format("{:.3g}", bytes.mean / bytes.all_reduce)});
  }
  if (facts.rate) {
    const char* kind = !topology.doubly_stochastic() ? "in the long run, "
                       : topology.cycle() == 0       ? "root mean square, "
                       : topology.cycle() > 1        ? "a step of the cycle, "
                                                     : "";
    table.add_row({"spectral gap 1 - rho", fmt::format("{} ({}rho = {})", number(1 - *facts.rate),
                                                       kind, number(*facts.rate))});
  }
  if (topology.cycle() > 1) {
    table.add_row({"left after a cycle", "at most " + number(*facts.cycle_rate)});
  }
  if (facts.lambda_min) table.add_row({"lambda_min", number(*facts.lambda_min)});
  table.add_row({"steps to consensus", facts.steps_to_millionth || facts.steps_to_thousandth
                                           ? fmt::format("{} to 1e-3, {} to 1e-6",
                                                         steps_needed(facts.steps_to_thousandth),
                                                         steps_needed(facts.steps_to_millionth))
                                           : "never"});
  return table.to_string();
}

std::string stability_table(const Topology& topology, const TopologyFacts& facts) {
  Table table({{"on a quadratic"},
               {"stable while lr * curvature <", Table::Align::kRight},
               {"of ssgd's", Table::Align::kRight}});
  table.add_row({"ssgd; atc and cta", "2", "100 %"});
  table.add_row({topology.cycle() == 0 ? "awc, in mean square" : "awc", number(*facts.awc_limit),
                 fmt::format("{:.0f} %", 50 * *facts.awc_limit)});
  return table.to_string();
}

std::string straggling_table(const Straggling& straggling, const TopologyFlags& flags) {
  Table table({{fmt::format("worker 0 {:g} times slower", flags.straggler)},
               {"steps a second", Table::Align::kRight},
               {"of ssgd's", Table::Align::kRight}});
  const auto row = [&](const std::string& name, double rate) {
    table.add_row({name, number(rate), fmt::format("{:.3g}", rate / straggling.ssgd)});
  };
  row("ssgd", straggling.ssgd);
  row("dpsgd", straggling.dpsgd);
  if (straggling.ad_psgd) {
    row("ad-psgd", *straggling.ad_psgd);
  } else {
    table.add_row({"ad-psgd", "-", "needs one undirected graph of two sides"});
  }
  return table.to_string();
}

std::string steps_table(const std::vector<StepFacts>& steps) {
  Table table({{"step", Table::Align::kRight},
               {"messages", Table::Align::kRight},
               {"rho of the step", Table::Align::kRight},
               {"left since the start", Table::Align::kRight}});
  for (size_t t = 0; t < steps.size(); ++t) {
    table.add_row({std::to_string(t), std::to_string(steps[t].messages), number(steps[t].rate),
                   number(steps[t].left)});
  }
  return table.to_string();
}

}  // namespace valley::app
