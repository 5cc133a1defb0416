#include "app/engine/instrument.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/engine/run.h"
#include "app/exit_code.h"

namespace valley::app {

std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use) {
  OpenedRuns opened = open_runs(flags.runs, use);
  for (const std::string& sentence : opened.left_out) std::cerr << "left out: " + sentence + "\n";
  for (FinishedRun& run : opened.runs) run.put_on(flags.device);
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
