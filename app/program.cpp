#include "app/program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/streams.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"
#include "valley/models/model_pass.h"

namespace valley::app {
namespace {

// How often `name` is among the arguments.
int64_t times_given(const std::string& name, const std::vector<std::string>& arguments) {
  return std::count_if(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return argument.substr(0, argument.find('=')) == name;
  });
}

// CLI11 knows what is wrong; this says it with the nearest flag or subcommand.
std::string describe(const CLI::ParseError& error, const CLI::App& program,
                     const std::vector<std::string>& arguments) {
  const auto all = [](const CLI::App*) { return true; };
  const auto chosen = program.get_subcommands();
  if (chosen.empty()) {
    std::vector<std::string> known;
    for (const auto* sub : program.get_subcommands(all)) known.push_back(sub->get_name());
    const std::string names = fmt::format("{}", fmt::join(known, ", "));
    if (arguments.empty()) return fmt::format("give a subcommand: {}; --help shows more", names);
    const std::string& first = arguments.front();
    if (!first.starts_with("-")) return unknown_name("subcommand", first, known);
    return fmt::format("give a subcommand before '{}': {}; --help shows more", first, names);
  }
  const CLI::App& command = *chosen.front();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    const std::string extra = program.remaining(true).front();
    const std::string name = extra.substr(0, extra.find('='));
    if (!name.starts_with("-")) return fmt::format("unexpected argument '{}'", extra);
    std::vector<std::string> known;
    for (const auto* option : command.get_options()) {
      for (const auto& long_name : option->get_lnames()) known.push_back("--" + long_name);
    }
    const std::string near = nearest_name(name, known);
    return near.empty() ? fmt::format("unknown argument '{}'; `valley {} --help` shows all", name,
                                      command.get_name())
                        : fmt::format("unknown argument '{}'; did you mean '{}'?", name, near);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    const std::string text = error.what();
    const std::string name = text.substr(0, text.find(':'));
    const int64_t times = times_given(name, arguments);
    return times > 1 ? fmt::format("{} is given {} times", name, times) : name + " needs a value";
  }
  return error.what();
}

int fail(const std::string& text, int code) {
  // In one piece: workers that are processes share the stream.
  std::cerr << "valley: " + text + "\n";
  return code;
}

}  // namespace

int run_program(int argc, char** argv, Engine& engine) {
  const Streams streams;
  // A limit on the size of files is told like a full disk, not by a signal's death.
  std::signal(SIGXFSZ, SIG_IGN);

  CLI::App program("Data-parallel training that communicates rarely and finds wide, flat valleys.",
                   "valley");
  program.set_version_flag("--version", std::string("valley ") + kVersion);
  program.require_subcommand(1);
  program.get_formatter()->column_width(34);
  program.footer(
      "Exit codes: 0 done, 2 a request that cannot be met, 3 trouble with files or other workers,\n"
      "4 interrupted (a checkpoint is there), 5 the training diverged, 1 a bug in valley.\n"
      "`valley SUBCOMMAND --help` shows its flags.");
  std::map<std::string, Command> commands;
  commands["train"] = add_train(program, engine);
  commands["compare"] = add_compare(program, engine);
  commands["data"] = add_data(program, engine);
  commands["evaluate"] = add_evaluate(program, engine);
  commands["predict"] = add_predict(program, engine);
  commands["topology"] = add_topology(program);
  commands["bench"] = add_bench(program, engine);
  commands["estimate"] = add_estimate(program);
  commands["study"] = add_study(program, engine);
  commands["sharpness"] = add_sharpness(program, engine);
  commands["landscape"] = add_landscape(program, engine);
  commands["dynamics"] = add_dynamics(program, engine);
  commands["duality"] = add_duality(program, engine);
  commands["report"] = add_report(program);
  commands["list"] = add_list(program);
  commands["completion"] = add_completion(program);

  try {
    program.parse(argc, argv);
    const std::string name = program.get_subcommands().front()->get_name();
    if (name != "list" && name != "topology" && name != "completion") Streams::outlive_readers();
    const int code = commands.at(name)();
    std::cout.flush();
    // That it was interrupted, say, is still what matters most to whoever reads the code.
    if (!std::cout)
      return fail("cannot write to the standard output",
                  code == exit_code::kDone ? exit_code::kWorld : code);
    return code;
  } catch (const CLI::CallForHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return program.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return program.exit(version);
  } catch (const CLI::ParseError& error) {
    return fail(describe(error, program, {argv + 1, argv + argc}), exit_code::kUsage);
  } catch (const UsageError& error) {
    return fail(error.with_flags(), exit_code::kUsage);
  } catch (const CommError& error) {
    return fail(error.with_flags(), exit_code::kWorld);
  } catch (const IoError& error) {
    return fail(error.with_flags(), exit_code::kWorld);
  } catch (const ModelError& error) {
    return fail(error.with_flags(), exit_code::kWorld);
  } catch (const Diverged& error) {
    return fail(error.with_flags(), exit_code::kDiverged);
  } catch (const std::exception& error) {
    return fail(std::string("this is a bug in valley: ") + error.what(), exit_code::kBug);
  }
}

}  // namespace valley::app
