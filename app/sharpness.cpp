#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.h"
#include "app/instrument_flags.h"
#include "app/numbers.h"
#include "app/paths.h"

namespace valley::app {
namespace {

// The options as flags.
struct AddFlag {
  CLI::App& command;

  template <typename Number>
  void operator()(const std::string& key, Number& value, const char* help) const {
    add_number(command, "--" + key, value, help);
  }
  void operator()(const std::string& key, std::string& value, const char* help) const {
    as_path(command.add_option("--" + key, value, help));
  }
  void operator()(const std::string& key, bool& value, const char* help) const {
    command.add_flag("--" + key, value, help);
  }
  void operator()(const std::string& key, std::vector<std::string>& value, const char* help) const {
    command.add_option("--" + key, value, help)->delimiter(',');
  }
  void operator()(const std::string& key, ValleySearch& value, const char* help) const {
    add_name(command, "--" + key, value, &parse_search, help);
  }
  void operator()(const std::string& key, BatchNormAt& value, const char* help) const {
    add_name(command, "--" + key, value, &parse_batch_norm, help);
  }
};

}  // namespace

Command add_sharpness(CLI::App& program, Engine& engine) {
  auto* command = program.add_subcommand(
      "sharpness", "measure how wide and flat the minimum is that a finished run found");
  auto flags = std::make_shared<SharpnessFlags>();
  add_run_flags(*command, *flags);
  visit(flags->options, AddFlag{*command});
  as_path(command->add_option(
      "--out", flags->out,
      "write all results to this JSON file, not to sharpness.json in the runs"));
  command->footer(
      "What each measure is, costs, and when it misleads: docs/measures.md. Examples:\n"
      "  valley sharpness runs/first\n"
      "  valley sharpness runs/compare --measures mean-valley,lambda-max --samples 0\n"
      "  valley sharpness runs/a --along runs/b --measures mean-valley\n"
      "  valley sharpness runs/a runs/b --json --quiet");
  return [flags, &engine] {
    check(flags->options);
    check(*flags);
    return engine.sharpness(*flags);
  };
}

}  // namespace valley::app
