#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/instrument_flags.h"
#include "valley/instruments/run_facts.h"
#include "valley/record/json_file.h"

/// What the commands that look at finished runs have in common.
namespace valley::app {

/// open_runs() of those given; on the standard error, which ones are left out and why.
std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use = RunsAre::kWritten);

/// look(run, watch) for each, with a bar on the standard error unless --quiet and, of several,
/// the run's name above it.
void for_each_run(const std::vector<FinishedRun>& runs, const InstrumentFlags& flags,
                  const std::function<void(size_t run, const InstrumentWatch& watch)>& look);

/// The result as JSON with --json, else as text. The exit code.
int show(const Json& result, const std::string& text, bool as_json);

}  // namespace valley::app
