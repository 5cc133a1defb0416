#include "app/engine/run.h"

#include <iostream>

#include "app/engine/stop.h"
#include "app/engine/tell.h"
#include "valley/instruments/dynamics_probe.h"
#include "valley/runs/train_run.h"

namespace valley::app {

std::unique_ptr<Progress> progress_unless(bool quiet) {
  return quiet ? make_no_progress() : make_progress(std::cerr);
}

Summary train_one_of_several(const RunConfig& config, const std::string& title, bool quiet) {
  const auto progress = progress_unless(quiet);
  RunWatch watch{.say = [&](const std::string& line) { progress->message(line); }};
  if (!quiet) watch.left_out = tell;
  watch.begin = [&] {
    return JobContext{
        .progress = progress.get(), .stop = &stop_on_signals(), .make_probe = make_probe};
  };
  const Summary summary = train_or_resume(config, title, watch);
  progress->finish();
  return summary;
}

}  // namespace valley::app
