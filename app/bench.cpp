#include "app/bench.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/environment.h"
#include "app/numbers.h"
#include "app/options.h"
#include "valley/algorithms/table.h"
#include "valley/core/error.h"

namespace valley::app {
namespace {

// The settings that say who talks, and through what.
const std::vector<std::string> kOfBench = {"algorithm",  "workers", "launch",    "backend",
                                           "timeout",    "threads", "interface", "run-id",
                                           "token-file", "seed"};

std::vector<std::string> settings_left_out() {
  std::vector<std::string> kept = kOfBench;
  for (const auto& setting : method_settings()) kept.push_back(setting.key);
  return settings_but(kept);
}

int bench(const CLI::App& command, BenchRequest& request, Engine& engine) {
  RunConfig& config = request.config;
  config = resolved(resolve_config(command, config, ""));
  request.environment = worker_environment(config, command.get_option("--workers")->count() > 0);
  check(config);
  for (const auto& key : method_flags_given(command)) require_read(key, config.algorithm);
  require(config.workers >= 2, "--workers must be at least 2 here: one worker has nobody to meet");
  require(!find_algorithm(config.algorithm).asynchronous,
          "--algorithm {}: its workers meet while nobody waits, so there is no round to time",
          config.algorithm);
  for (const int64_t d : request.options.parameters)
    require(d >= 1000, "--parameters must be at least 1000, got {}", d);
  require(request.options.turns >= 1, "--turns must be at least 1, got {}", request.options.turns);
  return engine.bench(request);
}

}  // namespace

Command add_bench(CLI::App& program, Engine& engine) {
  auto* command =
      program.add_subcommand("bench", "time rounds on these workers, beside what they stand on");
  auto request = std::make_shared<BenchRequest>();
  add_config_options(*command, request->config, settings_left_out());
  command
      ->add_option("--parameters", request->options.parameters,
                   "of the network, float32; several by comma")
      ->delimiter(',')
      ->capture_default_str();
  add_number(*command, "--turns", request->options.turns, "of everything that is compared");
  command->add_flag("--json", request->json, "print JSON instead of tables");
  command->footer(
      "Random vectors in the place of a network: no step is computed, only talked about.\n"
      "  valley bench --workers 4\n"
      "  valley bench --workers 2 --launch processes --algorithm diloco --parameters 124000000\n"
      "  mpirun -n 2 --host a,b valley bench --algorithm dppf --wire bf16");
  return [command, request, &engine] { return bench(*command, *request, engine); };
}

}  // namespace valley::app
