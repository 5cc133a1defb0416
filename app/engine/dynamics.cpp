#include "valley/instruments/dynamics.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/engine/dynamics_text.h"
#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "valley/core/error.h"

namespace valley::app {

int dynamics(const DynamicsFlags& flags) {
  const std::vector<FinishedRun> runs = open_given(flags);
  const int64_t samples = flags.options.samples;
  for (const FinishedRun& run : runs) {
    require(samples == 0 || samples >= run.workers(),
            "--samples {} are fewer than the {} workers of {}", samples, run.workers(),
            run.folder());
  }
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    const DynamicsResult result = measure_dynamics(runs[i], flags.options, flags.threads(), watch);
    all.push_back(to_json(result));
    write_json(std::filesystem::path(runs[i].folder()) / kDynamicsFile, all.back());
    text += (text.empty() ? "" : "\n\n") + dynamics_text(result);
  });
  return show({{"runs", all}}, text, flags.json);
}

}  // namespace valley::app
