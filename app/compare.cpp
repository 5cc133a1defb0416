#include "app/compare.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>

#include "app/commands.h"
#include "app/environment.h"
#include "app/options.h"
#include "app/paths.h"
#include "valley/algorithms/table.h"
#include "valley/core/error.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

struct CompareFlags {
  RunConfig config;
  std::string config_file;
  std::vector<std::string> algorithms;
  std::vector<int64_t> seeds = {0};
  bool quiet = false;
  bool json = false;
};

// What the comparison itself decides.
constexpr const char* kOwn[] = {"algorithm", "seed",         "out",          "launch",
                                "elastic",   "metrics-file", "metrics-port", "token-file"};

// "dppf+pull=0.5+push=1": an algorithm with settings of its own.
RunConfig with_own_settings(RunConfig config, const std::string& entry) {
  const size_t plus = entry.find('+');
  config.algorithm = entry.substr(0, plus);
  std::string toml;
  for (size_t begin = plus; begin != std::string::npos;) {
    const size_t end = entry.find('+', begin + 1);
    const std::string pair = entry.substr(begin + 1, end - begin - 1);
    const size_t equals = pair.find('=');
    require(equals != std::string::npos && equals > 0,
            "--algorithms takes NAME or NAME+KEY=VALUE+..., got '{}'", entry);
    const std::string key = pair.substr(0, equals), value = pair.substr(equals + 1);
    require(std::find(std::begin(kOwn), std::end(kOwn), key) == std::end(kOwn),
            "--algorithms {}: '{}' is not for a single method to set", entry, key);
    // A value that is no number and no truth value is a text, which TOML wants in quotes.
    const bool bare =
        value == "true" || value == "false" ||
        (!value.empty() && value.find_first_not_of("+-.eE0123456789") == std::string::npos);
    toml += bare ? fmt::format("{} = {}\n", key, value) : fmt::format("{} = \"{}\"\n", key, value);
    begin = end;
  }
  const std::string source = fmt::format("--algorithms {}", entry);
  const Config settings = parse_config(toml, source);
  apply_config(settings, source, config);
  for (const auto& [key, value] : settings) {
    if (is_method_setting(key)) require_read(key, config.algorithm);
  }
  return config;
}

template <typename T>
void require_distinct(const std::string& option, std::vector<T> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice != values.end()) throw UsageError(fmt::format("{} has {} twice", option, *twice));
}

int compare(const CLI::App& command, const CompareFlags& flags, Engine& engine) {
  require_no_launcher("compare");
  engine.before_reading(flags.config_file);
  const RunConfig base = resolve_config(command, flags.config, flags.config_file);
  require(base.launch == Launch::kThreads, "{}: valley compare trains with launch = \"threads\"",
          flags.config_file);
  require_distinct("--algorithms", flags.algorithms);
  require_distinct("--seeds", flags.seeds);
  CompareRequest request{.base = base,
                         .out = base.out.empty() ? "runs/compare" : base.out,
                         .entries = {},
                         .quiet = flags.quiet,
                         .json = flags.json};
  for (const auto& entry : flags.algorithms) {
    request.entries.push_back({entry, {}});
    for (const int64_t seed : flags.seeds) {
      RunConfig config = with_own_settings(base, entry);
      config.seed = seed;
      config.out = (fs::path(request.out) / fmt::format("{}-seed{}", entry, seed)).string();
      check(config);
      request.entries.back().runs.push_back(std::move(config));
    }
  }

  for (const auto& key : method_flags_given(command)) {
    const bool read =
        std::any_of(request.entries.begin(), request.entries.end(), [&](const auto& entry) {
          return find_algorithm(entry.runs.front().algorithm).defaults.has(key);
        });
    require(read, "--{} is read by none of the algorithms compared", key);
  }
  return engine.compare(request);
}

}  // namespace

Command add_compare(CLI::App& program, Engine& engine) {
  auto* command =
      program.add_subcommand("compare", "train with several algorithms and seeds, on one budget");
  auto flags = std::make_shared<CompareFlags>();
  command
      ->add_option("--algorithms", flags->algorithms,
                   "NAME or NAME+KEY=VALUE+..., separated by commas")
      ->delimiter(',')
      ->required();
  command->add_option("--seeds", flags->seeds, "separated by commas")
      ->delimiter(',')
      ->capture_default_str();
  as_path(command->add_option("--config", flags->config_file,
                              "read settings from this TOML file; flags win"));
  command->add_flag("--quiet", flags->quiet, "show nothing but the result and errors");
  command->add_flag("--json", flags->json, "print compare.json instead of the table");
  add_config_options(*command, flags->config,
                     {"algorithm", "seed", "launch", "backend", "elastic", "metrics-file",
                      "metrics-port", "token-file"});
  command->footer(
      "[names]: the algorithms that read a flag. The same call again goes on where it was\n"
      "interrupted, and trains nothing twice. Examples:\n"
      "  valley compare --algorithms ssgd,local-sgd,dppf --seeds 0,1,2 --epochs 5\n"
      "  valley compare --algorithms dppf+push=0.1,dppf+push=0.5,local-sgd+period=8");
  return [command, flags, &engine] { return compare(*command, *flags, engine); };
}

}  // namespace valley::app
