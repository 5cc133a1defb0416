#include "app/instrument_flags.h"

#include "app/numbers.h"
#include "app/paths.h"
#include "valley/core/device_name.h"
#include "valley/core/error.h"

namespace valley::app {

void add_run_flags(CLI::App& command, InstrumentFlags& flags) {
  as_path(command.add_option("runs", flags.runs, "run folders, or the folder of a comparison"));
  add_number(command, "--workers", flags.workers, "threads that share the batches; 0: one a core");
  command
      .add_option("--device", flags.device,
                  "where to compute: cpu, cuda, cuda:N, or auto: cuda where there is one")
      ->capture_default_str();
  command.add_flag("--json", flags.json, "print the results as JSON instead of as tables");
  command.add_flag("--quiet", flags.quiet, "show nothing but the result and errors");
}

void check(const InstrumentFlags& flags) {
  require(0 <= flags.workers && flags.workers <= 1024, "--workers must be in [0, 1024], got {}",
          flags.workers);
  check_device_name(flags.device);
}

}  // namespace valley::app
