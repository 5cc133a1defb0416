#include "valley/topology/topology.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "app/commands.h"
#include "app/numbers.h"
#include "app/paths.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/picture/table.h"
#include "valley/picture/topology_picture.h"
#include "valley/record/json_file.h"
#include "valley/record/units.h"
#include "valley/topology/facts.h"
#include "valley/topology/shapes.h"
#include "valley/topology/spectrum.h"
#include "valley/topology/stragglers.h"
#include "valley/train/config_paths.h"

namespace valley::app {
namespace {

// Spectra take some hundred products of [n, n] matrices: half a minute at this size.
constexpr int64_t kMostWorkers = 512;
// What rounding makes of an eigenvalue.
constexpr double kRounding = 1e-9;

struct TopologyFlags {
  std::string name;
  int64_t workers = 16;
  int64_t seed = 0;
  int64_t steps = 0;
  int64_t values = 1'000'000;
  double straggler = 1;
  double message = 0;
  std::string svg;
  bool json = false;
};

// What a model costs here, and what an all-reduce would: every worker sends 2 (n - 1) / n of it.
struct Traffic {
  double mean, most, all_reduce;  // bytes a worker sends in a step
};

Traffic traffic(const Topology& topology, const TopologyFacts& facts, int64_t values) {
  const double bytes = 4.0 * static_cast<double>(values);
  const double push_sum_weight = topology.doubly_stochastic() ? 0 : 4;
  const double n = topology.workers();
  return {facts.mean_messages * (bytes + push_sum_weight),
          facts.most_messages * (bytes + push_sum_weight), 2 * (n - 1) / n * bytes};
}

// One step after the other, as the worst start would see it.
struct StepFacts {
  int messages;
  double rate, left;
};

std::vector<StepFacts> follow(const Topology& topology, int64_t steps) {
  std::vector<StepFacts> result;
  MixingMatrix product = MixingMatrix::identity(topology.workers());
  for (int64_t t = 0; t < steps; ++t) {
    const MixingMatrix p = topology.matrix(t);
    product = p * product;
    result.push_back({support(p).edges(), disagreement(p), disagreement(product)});
  }
  return result;
}

std::string number(double value) {
  return std::abs(value) < 1e-12 ? "0" : fmt::format("{:.4g}", value);
}

std::string steps_needed(const std::optional<int64_t>& steps) {
  return steps ? format_count(*steps) : "never";
}

std::vector<std::string> warnings(const Topology& topology, const TopologyFacts& facts) {
  std::vector<std::string> result;
  if (facts.rate && *facts.rate > 1 - kRounding) {
    result.push_back(
        "the workers never agree: some have no way to each other, or only exchange "
        "places");
  }
  if (topology.workers() > 1 && facts.awc_limit && *facts.awc_limit < 1 - kRounding) {
    if (*facts.awc_limit < kRounding) {
      result.push_back(
          "--mixing awc is stable at no learning rate: P has an eigenvalue -1, or "
          "another of modulus 1 that a step takes outside");
    } else {
      result.push_back(
          fmt::format("--mixing awc bears learning rates only below {} / curvature{}, {:.0f} % of "
                      "what ssgd, atc "
                      "and cta bear",
                      number(*facts.awc_limit), topology.cycle() == 0 ? " in mean square" : "",
                      50 * *facts.awc_limit));
    }
  }
  return result;
}

std::vector<std::string> notes(const Topology& topology, const TopologyFacts& facts,
                               const TopologyFlags& flags) {
  std::vector<std::string> result;
  const int n = topology.workers();
  if (facts.exact_after && n > 1) {
    result.push_back(*facts.exact_after == 1
                         ? "exact: a step brings everyone to the mean"
                         : fmt::format("exact: any {} steps in a row bring everyone to the mean",
                                       *facts.exact_after));
  }
  if (topology.cycle() == 0) {
    result.push_back(fmt::format("random: steps to consensus are those of --seed {}{}", flags.seed,
                                 facts.rate ? ", the gap is in mean square" : ""));
  }
  if (!topology.doubly_stochastic()) {
    result.push_back(
        "only the columns sum to 1: for push-sum, or methods that make weights of "
        "their own from the graph");
  }
  if ((flags.name == "grid" || flags.name == "torus") && n > 3 && lattice(n).first == 1) {
    result.push_back(fmt::format("{} workers make no rectangle: this is a {}", n,
                                 flags.name == "grid" ? "path" : "ring"));
  }
  if (flags.name == "matching" && n % 2 == 1 && n > 1) {
    result.push_back("an odd number of workers: one rests in every step");
  }
  if (facts.lambda_min && !topology.directed() && n > 1) {
    const double smallest = *facts.lambda_min;
    result.push_back(
        smallest > -1.0 / 3 + kRounding
            ? std::string("D2 needs lambda_min > -1/3, which holds")
            : fmt::format(
                  "D2 needs lambda_min > -1/3, which does not hold; that of (I + P) / 2 is {}",
                  number((1 + smallest) / 2)));
  }
  return result;
}

std::string facts_table(const Topology& topology, const TopologyFacts& facts,
                        const TopologyFlags& flags) {
  const int n = topology.workers();
  const Traffic bytes = traffic(topology, facts, flags.values);
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

// Steps of all workers together in the time of one step of a worker that is not slow.
struct Straggling {
  double ssgd, dpsgd;
  std::optional<double> ad_psgd;  // none where the graph does not suit it
};

Straggling simulate(const Topology& topology, const TopologyFlags& flags) {
  const double seconds = 1000 * flags.straggler;
  Pace pace{.step_seconds = std::vector<double>(static_cast<size_t>(flags.workers), 1.0),
            .message_seconds = flags.message};
  pace.step_seconds[0] = flags.straggler;
  const auto rate = [&](const std::vector<int64_t>& steps) {
    return std::accumulate(steps.begin(), steps.end(), 0.0) / seconds;
  };
  Straggling result{rate(synchronous_steps(pace, seconds)),
                    rate(steps_with_neighbours(topology, pace, seconds)), std::nullopt};
  if (topology.cycle() == 1 && !topology.directed() && topology.graph(0).sides()) {
    result.ad_psgd =
        rate(asynchronous_steps(topology, pace, seconds, static_cast<uint64_t>(flags.seed)));
  }
  return result;
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

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Topology& topology, const TopologyFacts& facts, const TopologyFlags& flags,
             const std::vector<StepFacts>& steps) {
  const Traffic bytes = traffic(topology, facts, flags.values);
  Json result = {
      {"topology", flags.name},
      {"workers", flags.workers},
      {"seed", flags.seed},
      {"directed", topology.directed()},
      {"doubly_stochastic", topology.doubly_stochastic()},
      {"cycle", topology.cycle()},
      {"messages",
       {{"fewest", facts.fewest_messages},
        {"most", facts.most_messages},
        {"mean", facts.mean_messages}}},
      {"values", flags.values},
      {"bytes", {{"mean", bytes.mean}, {"most", bytes.most}, {"all_reduce", bytes.all_reduce}}},
      {"rho", or_null(facts.rate)},
      {"spectral_gap", facts.rate ? Json(1 - *facts.rate) : Json(nullptr)},
      {"rho_of_cycle", or_null(facts.cycle_rate)},
      {"lambda_min", or_null(facts.lambda_min)},
      {"steps_to_consensus",
       {{"1e-3", or_null(facts.steps_to_thousandth)}, {"1e-6", or_null(facts.steps_to_millionth)}}},
      {"exact_after", or_null(facts.exact_after)},
      {"stable_below", nullptr},
      {"warnings", warnings(topology, facts)},
      {"notes", notes(topology, facts, flags)},
  };
  if (facts.awc_limit) {
    result["stable_below"] = {{"ssgd", 2}, {"atc", 2}, {"cta", 2}, {"awc", *facts.awc_limit}};
  }
  for (const auto& step : steps) {
    result["steps"].push_back(
        {{"messages", step.messages}, {"rho", step.rate}, {"left", step.left}});
  }
  return result;
}

int topology(const TopologyFlags& flags) {
  require(!flags.name.empty(), "give a topology; `valley list topologies` shows all");
  require(flags.workers <= kMostWorkers, "--workers must be at most {} here, got {}", kMostWorkers,
          flags.workers);
  require(flags.seed >= 0, "--seed must be at least 0, got {}", flags.seed);
  require(flags.values >= 1, "--values must be at least 1, got {}", flags.values);
  require(flags.steps >= 0, "--steps must be at least 0, got {}", flags.steps);
  require(flags.straggler >= 1 && flags.straggler <= 1000,
          "--straggler must be in [1, 1000], got {}", flags.straggler);
  require(flags.message >= 0 && flags.message <= 1000, "--message must be in [0, 1000], got {}",
          flags.message);
  const auto topology = make_topology(flags.name, {.workers = static_cast<int>(flags.workers),
                                                   .seed = static_cast<uint64_t>(flags.seed)});
  const TopologyFacts facts = analyse(*topology);
  const auto steps = follow(*topology, flags.steps);
  std::optional<Straggling> straggling;
  if (flags.straggler > 1) straggling = simulate(*topology, flags);
  if (!flags.svg.empty()) {
    std::string caption =
        facts.mean_messages == 1
            ? "1 message a step and worker"
            : fmt::format("{:.3g} messages a step and worker", facts.mean_messages);
    if (facts.rate) caption += fmt::format(", spectral gap {}", number(1 - *facts.rate));
    write_atomically(flags.svg, topology_svg(*topology, flags.name, caption));
  }
  if (flags.json) {
    Json json = to_json(*topology, facts, flags, steps);
    if (straggling) {
      json["straggler"] = {{"times_slower", flags.straggler},
                           {"message_seconds", flags.message},
                           {"steps_per_second",
                            {{"ssgd", straggling->ssgd},
                             {"dpsgd", straggling->dpsgd},
                             {"ad-psgd", or_null(straggling->ad_psgd)}}}};
    }
    std::cout << json.dump(2) << "\n";
    return 0;
  }
  std::cout << facts_table(*topology, facts, flags);
  if (facts.awc_limit && flags.workers > 1) std::cout << "\n" << stability_table(*topology, facts);
  if (!steps.empty()) std::cout << "\n" << steps_table(steps);
  if (straggling) std::cout << "\n" << straggling_table(*straggling, flags);
  const auto all_warnings = warnings(*topology, facts), all_notes = notes(*topology, facts, flags);
  if (!all_warnings.empty() || !all_notes.empty()) std::cout << "\n";
  for (const auto& text : all_warnings) std::cout << "WARNING: " << text << "\n";
  for (const auto& text : all_notes) std::cout << text << "\n";
  if (!flags.svg.empty()) std::cout << "\nwritten to " << flags.svg << "\n";
  return 0;
}

}  // namespace

Command add_topology(CLI::App& program) {
  auto* command =
      program.add_subcommand("topology", "say what a topology costs, and how fast it mixes");
  auto flags = std::make_shared<TopologyFlags>();
  command->add_option("name", flags->name, "as --topology takes it; see `valley list topologies`")
      ->transform([](const std::string& name) {
        return expand_home_in_setting("topology", name, "--topology");
      });
  add_number(*command, "--workers", flags->workers, "number of workers");
  add_number(*command, "--seed", flags->seed, "of the random ones");
  add_number(*command, "--values", flags->values,
             "float32 values of the model whose bytes are counted");
  add_number(*command, "--steps", flags->steps, "show so many steps one by one");
  add_number(*command, "--straggler", flags->straggler,
             "simulate worker 0 so many times slower than the others, whose step takes 1 s");
  add_number(*command, "--message", flags->message, "seconds of one exchange in that simulation");
  as_path(command->add_option("--svg", flags->svg, "draw it into this file"));
  command->add_flag("--json", flags->json, "print JSON instead of tables");
  command->footer(
      "rho: what is left of the distance to the mean after a step, at most. lambda_min: the\n"
      "smallest eigenvalue. Steps to consensus: from step 0, whatever the start. Examples:\n"
      "  valley topology ring --workers 16\n"
      "  valley topology ring --workers 16 --straggler 10\n"
      "  valley topology one-peer-exponential --workers 8 --steps 3 --svg graph.svg\n"
      "  valley topology matrix:weights.txt --workers 4");
  return [flags] { return topology(*flags); };
}

}  // namespace valley::app
