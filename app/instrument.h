#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "valley/instruments/run_facts.h"
#include "valley/record/json_file.h"

/// What the commands that look at finished runs have in common.
namespace valley::app {

struct InstrumentFlags {
  std::vector<std::string> runs;
  int64_t workers = 0;
  bool json = false;
  bool quiet = false;

  int threads() const { return static_cast<int>(workers); }
};

void add_run_flags(CLI::App& command, InstrumentFlags& flags);

/// @throws UsageError if one is out of range.
void check(const InstrumentFlags& flags);

/// A flag of one name of a few; --help shows its default.
template <typename Enum>
void add_name(CLI::App& command, const std::string& flag, Enum& value,
              Enum (*parse)(const std::string&), const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&value, parse](const std::string& text) { value = parse(text); }, help)
      ->default_str(std::string(name(value)));
}

/// open_runs() of those given; on the standard error, which ones are left out and why.
std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use = RunsAre::kWritten);

/// look(run, watch) for each, with a bar on the standard error unless --quiet and, of several,
/// the run's name above it.
void for_each_run(const std::vector<FinishedRun>& runs, const InstrumentFlags& flags,
                  const std::function<void(size_t run, const InstrumentWatch& watch)>& look);

/// The result as JSON with --json, else as text. The exit code.
int show(const Json& result, const std::string& text, bool as_json);

}  // namespace valley::app
