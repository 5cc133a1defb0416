#include "app/instrument.h"

#include <cmath>
#include <iostream>

#include "app/numbers.h"
#include "app/paths.h"
#include "app/run.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/data/subset.h"

namespace valley::app {

void add_sample_flags(CLI::App& command, InstrumentFlags& flags, const std::string& samples,
                      const std::string& seed) {
  add_number(command, "--samples", flags.samples, samples);
  add_number(command, "--seed", flags.seed, seed);
}

void add_run_flags(CLI::App& command, InstrumentFlags& flags) {
  as_path(command.add_option("runs", flags.runs, "run folders, or the folder of a comparison"));
  add_number(command, "--workers", flags.workers, "threads that share the batches; 0: one a core");
  command.add_flag("--json", flags.json, "print the results as JSON instead of as tables");
  command.add_flag("--quiet", flags.quiet, "show nothing but the result and errors");
}

std::vector<FinishedRun> open_given(const InstrumentFlags& flags, RunsAre use) {
  OpenedRuns opened = open_runs(flags.runs, use);
  for (const std::string& sentence : opened.left_out) std::cerr << "left out: " + sentence + "\n";
  return std::move(opened.runs);
}

void check(const InstrumentFlags& flags) {
  require(flags.samples >= 0, "--samples must be at least 0, got {}", flags.samples);
  require(flags.seed >= 0, "--seed must be at least 0, got {}", flags.seed);
  require(0 <= flags.workers && flags.workers <= 1024, "--workers must be in [0, 1024], got {}",
          flags.workers);
}

std::shared_ptr<const Dataset> examples_of(const std::shared_ptr<const Dataset>& data,
                                           const InstrumentFlags& flags) {
  const bool all = flags.samples == 0 || flags.samples >= data->size();
  return all ? data : balanced_subset(*data, flags.samples, flags.seed_bits());
}

BatchNormAt parse_batch_norm(const std::string& text) {
  const size_t place = choose("--batch-norm", text, {"average", "probe"});
  return place == 0 ? BatchNormAt::kModel : BatchNormAt::kProbe;
}

void require_finite(double loss, const FinishedRun& run) {
  // abs: a NaN may have a sign, which says nothing.
  require(std::isfinite(loss), "{}: the loss of the average is {}, it diverged", run.folder(),
          std::abs(loss));
}

void for_each_run(const std::vector<FinishedRun>& runs, const InstrumentFlags& flags,
                  const std::function<void(size_t, Progress&)>& look) {
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs.size() > 1 && !flags.quiet) std::cerr << runs[i].folder() + "\n";
    const auto progress = progress_unless(flags.quiet);
    look(i, *progress);
    progress->finish();
  }
}

Json about(const FinishedRun& run) {
  const Summary& s = run.summary();
  return {{"run", run.folder()}, {"algorithm", s.algorithm}, {"model", s.model}, {"data", s.data}};
}

int show(const Json& result, const std::string& text, const InstrumentFlags& flags) {
  if (flags.json) {
    std::cout << result.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cout << text;
  }
  return 0;
}

}  // namespace valley::app
