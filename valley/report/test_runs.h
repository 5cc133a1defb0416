#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "valley/report/report_run.h"

namespace valley {

/// A run as read_report_run() gives it, finished with these figures.
inline ReportRun test_run(const std::string& algorithm, int64_t seed, double accuracy,
                          double bytes = 100) {
  ReportRun run;
  run.algorithm = algorithm;
  run.name = algorithm + "-" + std::to_string(seed);
  run.path = "runs/" + run.name;
  run.status = RunState::Kind::kFinished;
  run.config = {{"algorithm", algorithm},
                {"model", std::string("lenet")},
                {"data", std::string("blobs")},
                {"workers", int64_t{4}},
                {"lr", 0.1},
                {"push", 0.5},
                {"seed", seed},
                {"out", run.name}};
  run.summary = {{"workers", 4},
                 {"test_accuracy", accuracy},
                 {"comm_bytes_per_worker", bytes},
                 {"comm_fraction_of_ssgd", bytes / 400},
                 {"valley_width", 0.0},
                 {"predicted_width", 0.0},
                 {"seconds", {{"total", 36.0}}}};
  run.curves = Json::object();
  return run;
}

/// With another value of a setting.
inline ReportRun with_setting(ReportRun run, const std::string& key, ConfigValue value) {
  for (auto& [name, present] : run.config) {
    if (name == key) present = std::move(value);
  }
  return run;
}

}  // namespace valley
