#include "app/compare.h"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/run.h"
#include "app/engine/tables.h"
#include "app/exit_code.h"
#include "valley/picture/run_curves.h"
#include "valley/record/json_file.h"
#include "valley/runs/same_settings.h"
#include "valley/study/comparison.h"

namespace valley::app {

namespace fs = std::filesystem;

int compare(const CompareRequest& request) {
  // Everything is checked before anything is trained.
  std::vector<Method> methods;
  for (const CompareRequest::Entry& entry : request.entries) {
    for (const RunConfig& config : entry.runs) require_same_settings(config);
    methods.push_back({entry.label, entry.runs});
  }
  require_trainable(named_runs(methods));

  const auto rows =
      compare_methods(methods, [&](const RunConfig& config, const std::string& title) {
        return train_one_of_several(config, title, request.quiet);
      });
  if (!rows) {
    std::cerr << "valley: interrupted; the same command goes on from here\n";
    return exit_code::kInterrupted;
  }
  const Json result = to_json(*rows);
  write_json(fs::path(request.out) / "compare.json", result);
  std::vector<std::pair<std::string, std::string>> runs;
  for (const NamedRun& run : named_runs(methods)) runs.emplace_back(run.name, run.config.out);
  write_curves(request.out,
               fmt::format("{} on {}, {} workers", model_title(request.base), request.base.data,
                           request.base.workers),
               runs);
  if (request.json) {
    std::cout << result.dump(2) << "\n";
  } else {
    std::cout << comparison_table(*rows) << "\nwritten to " << request.out
              << ": compare.json, curves.svg, and a run folder for every method and seed\n";
  }
  return 0;
}

}  // namespace valley::app
