#pragma once

#include <CLI/App.hpp>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "valley/train/run_config.h"

/// One function a subcommand: declares its flags and what it does. The callback's return value is
/// the exit code.
namespace valley::app {

using Command = std::function<int()>;

Command add_train(CLI::App& program);
Command add_compare(CLI::App& program);
Command add_topology(CLI::App& program);
Command add_study(CLI::App& program);
Command add_sharpness(CLI::App& program);
Command add_landscape(CLI::App& program);
Command add_dynamics(CLI::App& program);
Command add_report(CLI::App& program);
Command add_list(CLI::App& program);

/// The flags of config_fields(), writing to `config`. `leave_out` are keys the subcommand sets
/// itself.
void add_config_options(CLI::App& command, RunConfig& config,
                        const std::vector<std::string>& leave_out = {});

/// Defaults, then the file of --config, then the flags given: the last wins.
/// @throws UsageError
RunConfig resolve_config(const CLI::App& command, const RunConfig& flags,
                         const std::string& config_file);

/// The configuration of the run in `folder`, with the flags given: those of the groups Workers and
/// Run may differ from it. @throws UsageError if others do, or if the folder's is incomplete.
RunConfig resolve_resumed_config(const CLI::App& command, const RunConfig& flags,
                                 const std::string& folder);

/// A setting given for nothing is a misunderstanding: --push with local-sgd pushes nobody.
/// @throws UsageError if the algorithm does not read the option.
void require_read(const std::string& key, const std::string& algorithm);

/// The options of algorithms that are on the command line, without dashes.
std::vector<std::string> method_flags_given(const CLI::App& command);

/// For CLI11's check(). @throws UsageError unless the text is a whole number within range.
std::string check_whole_number(const std::string& flag, const std::string& text);

/// The same for any number.
std::string check_real_number(const std::string& flag, const std::string& text);

/// A flag of one number, checked so; --help shows its default.
void add_number(CLI::App& command, const std::string& flag, int64_t& value,
                const std::string& help);
void add_number(CLI::App& command, const std::string& flag, double& value, const std::string& help);

/// kStopSignals set the flag this returns; a second SIGINT or SIGTERM ends the program at once.
const std::atomic<bool>& stop_on_signals();

}  // namespace valley::app
