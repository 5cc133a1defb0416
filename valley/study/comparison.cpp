#include "valley/study/comparison.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace valley {

std::optional<std::vector<ComparisonRow>> compare_methods(
    const std::vector<Method>& methods,
    const std::function<Summary(const RunConfig&, const std::string&)>& train) {
  std::vector<ComparisonRow> rows;
  for (const auto& [label, runs] : methods) {
    rows.push_back({label, {}});
    for (const RunConfig& config : runs) {
      rows.back().runs.push_back(train(config, fmt::format("{}, seed {}", label, config.seed)));
      if (rows.back().runs.back().status == RunState::Kind::kInterrupted) return std::nullopt;
    }
  }
  return rows;
}

std::vector<NamedRun> named_runs(const std::vector<Method>& methods) {
  std::vector<NamedRun> all;
  for (const auto& [label, runs] : methods) {
    for (const RunConfig& config : runs) all.push_back({label, config});
  }
  return all;
}

Json to_json(const std::vector<ComparisonRow>& rows) {
  Json result = Json::array();
  for (const auto& row : rows) {
    Json runs = Json::array();
    std::map<std::string, std::vector<double>> values;
    for (const auto& run : row.runs) {
      const Json json = run.to_json();
      for (const auto& [key, value] : json.items()) {
        if (value.is_number() && key != "seed") values[key].push_back(value.get<double>());
      }
      values["seconds"].push_back(run.seconds.total);
      runs.push_back(json);
    }
    Json mean, deviation;
    for (const auto& [key, list] : values) {
      mean[key] = mean_of(list);
      deviation[key] = deviation_of(list);
    }
    result.push_back(
        {{"label", row.label}, {"mean", mean}, {"standard_deviation", deviation}, {"runs", runs}});
  }
  return {{"methods", result}};
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double square = 0;
  for (const double v : values) square += (v - mean) * (v - mean);
  return std::sqrt(square / static_cast<double>(values.size() - 1));
}

}  // namespace valley
