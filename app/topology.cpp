#include "valley/topology/topology.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/numbers.h"
#include "app/paths.h"
#include "app/topology_tables.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/picture/topology_picture.h"
#include "valley/record/json_file.h"
#include "valley/topology/advice.h"
#include "valley/topology/traffic.h"
#include "valley/train/config_paths.h"

namespace valley::app {
namespace {

// Spectra take some hundred products of [n, n] matrices: half a minute at this size.
constexpr int64_t kMostWorkers = 512;

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Topology& topology, const TopologyFacts& facts, const TopologyFlags& flags,
             const std::vector<StepFacts>& steps) {
  const Traffic bytes = traffic_of(topology, facts, flags.values);
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
      {"warnings", topology_warnings(topology, facts)},
      {"notes", topology_notes(topology, facts, flags.name, flags.seed)},
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
  if (flags.straggler > 1)
    straggling =
        straggle(*topology, flags.straggler, flags.message, static_cast<uint64_t>(flags.seed));
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
  const auto all_warnings = topology_warnings(*topology, facts),
             all_notes = topology_notes(*topology, facts, flags.name, flags.seed);
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
