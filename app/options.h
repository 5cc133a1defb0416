#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace valley {
struct RunConfig;
}

/// The settings of a run as flags.
namespace valley::app {

/// The flags of all settings, writing to `config`. `leave_out` are keys the subcommand sets
/// itself.
void add_config_options(CLI::App& command, RunConfig& config,
                        const std::vector<std::string>& leave_out = {});

/// All settings of a run but these: what add_config_options() leaves out for a subcommand that
/// reads no others.
std::vector<std::string> settings_but(const std::vector<std::string>& kept);

/// Defaults, then the file of --config, then the flags given: the last wins.
/// @throws UsageError
RunConfig resolve_config(const CLI::App& command, const RunConfig& flags,
                         const std::string& config_file);

/// The configuration of the run in `folder`, with the flags given: those of the groups Workers and
/// Run may differ from it; with `extend` not the workers, but how long the run is, at which rate,
/// and what ends it. @throws UsageError if others do, or if the folder's is incomplete.
RunConfig resolve_resumed_config(const CLI::App& command, const RunConfig& flags,
                                 const std::string& folder, bool extend);

/// Whether some algorithm has this setting.
bool is_method_setting(const std::string& key);

/// A setting given for nothing is a misunderstanding: --push with local-sgd pushes nobody.
/// @throws UsageError if the algorithm does not read the option.
void require_read(const std::string& key, const std::string& algorithm);

/// The options of algorithms that are on the command line, without dashes.
std::vector<std::string> method_flags_given(const CLI::App& command);

}  // namespace valley::app
