/// The program `valley`: reads the command line, calls the library, turns errors into one line and
/// an exit code.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>

#include "app/allocator.h"
#include "app/commands.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"

namespace {

enum ExitCode { kBug = 1, kUsage = 2, kWorld = 3, kInterrupted = 4, kDiverged = 5 };

// CLI11's own messages, with the nearest flag or subcommand where a name is unknown.
std::string describe(const CLI::ParseError& error, const CLI::App& program,
                     const std::vector<std::string>& arguments) {
  const auto all = [](const CLI::App*) { return true; };
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) {
    std::vector<std::string> known;
    for (const auto* sub : program.get_subcommands(all)) known.push_back(sub->get_name());
    if (arguments.empty()) return "give a subcommand: train, compare, list; --help shows more";
    return valley::unknown_name("subcommand", arguments.front(), known);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  std::vector<std::string> known;
  for (const auto* option : chosen.front()->get_options()) {
    for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  }
  for (const auto& argument : arguments) {
    const std::string name = argument.substr(0, argument.find('='));
    if (!name.starts_with("--") || std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string near = valley::nearest_name(name, known);
    return near.empty() ? "unknown argument '" + name + "'; `valley " + chosen.front()->get_name() +
                              " --help` shows all"
                        : "unknown argument '" + name + "'; did you mean '" + near + "'?";
  }
  return error.what();
}

int fail(const std::string& text, int code) {
  std::cerr << "valley: " << text << "\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  valley::app::keep_freed_memory();

  CLI::App program("Data-parallel training that communicates rarely and finds wide, flat valleys.",
                   "valley");
  program.set_version_flag("--version", std::string("valley ") + valley::kVersion);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  std::map<std::string, valley::app::Command> commands;
  commands["train"] = valley::app::add_train(program);
  commands["compare"] = valley::app::add_compare(program);
  commands["list"] = valley::app::add_list(program);

  try {
    program.parse(argc, argv);
    return commands.at(program.get_subcommands().front()->get_name())();
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return program.exit(version);
  } catch (const CLI::ParseError& error) {
    return fail(describe(error, program, {argv + 1, argv + argc}), kUsage);
  } catch (const valley::UsageError& error) {
    return fail(error.what(), kUsage);
  } catch (const valley::CommError& error) {
    return fail(error.what(), kWorld);
  } catch (const valley::IoError& error) {
    return fail(error.what(), kWorld);
  } catch (const valley::Diverged& error) {
    return fail(error.what(), kDiverged);
  } catch (const std::exception& error) {
    return fail(std::string("this is a bug in valley: ") + error.what(), kBug);
  }
}
