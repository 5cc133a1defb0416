#include "app/instrument.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/exit_code.h"
#include "app/numbers.h"
#include "app/paths.h"
#include "app/run.h"
#include "valley/core/error.h"

namespace valley::app {

void add_run_flags(CLI::App& command, InstrumentFlags& flags) {
  as_path(command.add_option("runs", flags.runs, "run folders, or the folder of a comparison"));
  add_number(command, "--workers", flags.workers, "threads that share the batches; 0: one a core");
  command.add_flag("--json", flags.json, "print the results as JSON instead of as tables");
  command.add_flag("--quiet", flags.quiet, "show nothing but the result and errors");
}

void check(const InstrumentFlags& flags) {
  require(0 <= flags.workers && flags.workers <= 1024, "--workers must be in [0, 1024], got {}",
          flags.workers);
}

std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use) {
  OpenedRuns opened = open_runs(flags.runs, use);
  for (const std::string& sentence : opened.left_out) std::cerr << "left out: " + sentence + "\n";
  return std::move(opened.runs);
}

void for_each_run(const std::vector<FinishedRun>& runs, const InstrumentFlags& flags,
                  const std::function<void(size_t, const InstrumentWatch&)>& look) {
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs.size() > 1 && !flags.quiet) std::cerr << runs[i].folder() + "\n";
    const auto progress = progress_unless(flags.quiet);
    look(i, {.progress = progress.get()});
    progress->finish();
  }
}

int show(const Json& result, const std::string& text, bool as_json) {
  if (as_json) {
    std::cout << result.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cout << text;
  }
  return exit_code::kDone;
}

}  // namespace valley::app
