#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>

#include "app/commands.h"
#include "valley/core/error.h"

namespace valley::app {
namespace {

std::atomic<bool> stop{false};

void on_signal(int) {
  // 128 + SIGINT is what a shell expects of an interrupted program.
  if (stop.exchange(true)) _exit(130);
}

}  // namespace

void add_config_options(CLI::App& command, RunConfig& config,
                        const std::vector<std::string>& leave_out) {
  for (const auto& field : config_fields()) {
    if (std::find(leave_out.begin(), leave_out.end(), field.key) != leave_out.end()) continue;
    const std::string flag = "--" + field.key;
    CLI::Option* option = std::visit(
        [&](auto member) {
          if constexpr (std::is_same_v<decltype(member), bool RunConfig::*>) {
            return command.add_flag(flag, config.*member, field.help);
          } else {
            return command.add_option(flag, config.*member, field.help)->capture_default_str();
          }
        },
        field.member);
    option->group(field.group);
  }
}

RunConfig resolve_config(const CLI::App& command, const RunConfig& flags,
                         const std::string& config_file) {
  RunConfig config;
  if (!config_file.empty()) apply_config(read_config(config_file), config_file, config);
  for (const auto& field : config_fields()) {
    const CLI::Option* option = command.get_option_no_throw("--" + field.key);
    if (option == nullptr || option->count() == 0) continue;
    std::visit([&](auto member) { config.*member = flags.*member; }, field.member);
  }
  return config;
}

const std::atomic<bool>& stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return stop;
}

}  // namespace valley::app
