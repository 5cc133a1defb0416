#include "valley/report/curves_data.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "valley/report/statistics.h"

namespace valley {
namespace {

Json number_or_null(const Json& record, const std::string& key) {
  const auto found = record.find(key);
  return found != record.end() && found->is_number() ? Json(shortened(found->get<double>()))
                                                     : Json(nullptr);
}

// The least and the most of the numbers in a list, null where there are none.
std::pair<Json, Json> ends_of(const Json& list) {
  Json least, most;
  for (const auto& value : list) {
    if (!value.is_number()) continue;
    const double number = shortened(value.get<double>());
    if (least.is_null() || number < least.get<double>()) least = number;
    if (most.is_null() || number > most.get<double>()) most = number;
  }
  return {least, most};
}

struct Columns {
  std::map<std::string, std::vector<Json>> values;
  size_t size = 0;

  void add(const std::string& key, Json value) {
    auto& column = values[key];
    column.resize(size);  // nulls where earlier records had none
    column.push_back(std::move(value));
  }
};

// A column of nothing but nulls says nothing.
Json to_json(Columns& columns, size_t most) {
  Json result = Json::object();
  const auto indices = thinned(columns.size, most);
  for (auto& [key, column] : columns.values) {
    column.resize(columns.size);
    if (std::all_of(column.begin(), column.end(), [](const Json& v) { return v.is_null(); })) {
      continue;
    }
    Json list = Json::array();
    for (const size_t i : indices) list.push_back(std::move(column[i]));
    result[key] = std::move(list);
  }
  return result;
}

// What an evaluation has beside its scores.
constexpr const char* kBesideScores[] = {"valley_width", "predicted_width", "comm_bytes"};
constexpr size_t kProbeShare = 4;  // a probe has dozens of series

// The numbers in an object and in objects inside, by their paths.
void add_probe(const std::string& path, const Json& values, const Json& step,
               std::map<std::string, Columns>& probes) {
  const bool is_estimate = values.is_object() && values.contains("standard_error");
  if (values.is_object() && !is_estimate) {
    for (const auto& [key, value] : values.items()) {
      add_probe(path.empty() ? key : path + "/" + key, value, step, probes);
    }
  } else if (is_estimate || values.is_number() || values.is_null()) {
    const Json single = {{"value", values}};
    const Json& estimate = is_estimate ? values : single;
    Columns& columns = probes[path];
    columns.add("step", step);
    columns.add("value", number_or_null(estimate, "value"));
    columns.add("error", number_or_null(estimate, "standard_error"));
    ++columns.size;
  }
}

// One epoch's losses of the workers.
struct EpochLosses {
  Json lr;
  Json losses = Json::array();
};

}  // namespace

Json curves_of(const std::vector<Json>& records, const ScoreSheet& sheet,
               const ReportLimits& limits) {
  std::vector<std::string> of_evaluations(std::begin(kBesideScores), std::end(kBesideScores));
  for (const ScoreInfo& score : sheet.scores) {
    for (const char* of : {"train", "test"}) of_evaluations.push_back(score_key(of, score));
  }
  Columns rounds, epochs, evaluations;
  std::map<double, EpochLosses> by_epoch;
  std::map<std::string, Columns> probes;
  for (const Json& record : records) {
    const bool has_scores = std::any_of(of_evaluations.begin(), of_evaluations.end(),
                                        [&](const auto& key) { return record.contains(key); });
    if (const auto probe = record.find("probe"); probe != record.end() && probe->is_object()) {
      if (const Json step = number_or_null(record, "step"); !step.is_null()) {
        add_probe("", *probe, step, probes);
      }
      if (!has_scores) continue;
    }
    const auto epoch = number_or_null(record, "epoch");
    if (epoch.is_null()) continue;
    const auto worker = record.find("worker");
    if (worker != record.end() && worker->is_number()) {
      auto& entry = by_epoch[epoch.get<double>()];
      entry.lr = number_or_null(record, "lr");
      entry.losses.push_back(number_or_null(record, "loss"));
      continue;
    }
    const bool is_round = record.contains("distances");
    Columns& columns = is_round ? rounds : evaluations;
    columns.add("epoch", epoch);
    if (is_round) {
      columns.add("width", number_or_null(record, "valley_width"));
      columns.add("predicted", number_or_null(record, "predicted_width"));
      columns.add("period", number_or_null(record, "period"));
      const auto [lowest, highest] = ends_of(record.at("distances"));
      columns.add("lowest", lowest);
      columns.add("highest", highest);
    } else {
      for (const std::string& key : of_evaluations) columns.add(key, number_or_null(record, key));
    }
    columns.add("lr", number_or_null(record, "lr"));
    ++columns.size;
  }
  for (const auto& [epoch, entry] : by_epoch) {
    std::vector<double> losses;
    for (const auto& loss : entry.losses) {
      if (loss.is_number()) losses.push_back(loss.get<double>());
    }
    const auto [lowest, highest] = ends_of(entry.losses);
    epochs.add("epoch", epoch);
    epochs.add("lr", entry.lr);
    // The mean of some is no mean of all: a worker without a number leaves a gap.
    const bool all = !losses.empty() && losses.size() == entry.losses.size();
    epochs.add("loss", all ? Json(shortened(spread_of(losses).mean)) : Json(nullptr));
    epochs.add("lowest", lowest);
    epochs.add("highest", highest);
    ++epochs.size;
  }
  Json result = Json::object(), kept = Json::object();
  for (auto& [name, columns] : {std::pair<const char*, Columns&>{"rounds", rounds},
                                {"epochs", epochs},
                                {"evaluations", evaluations}}) {
    result[name] = to_json(columns, limits.points);
    if (columns.size > limits.points) kept[name] = {columns.size, limits.points};
  }
  const size_t most = std::max<size_t>(limits.points / kProbeShare, 2);
  for (auto& [name, columns] : probes) {
    Json series = to_json(columns, most);
    if (!series.contains("value")) continue;
    result["probes"][name] = std::move(series);
    if (columns.size > most) kept["probe/" + name] = {columns.size, most};
  }
  result["kept"] = std::move(kept);
  return result;
}

}  // namespace valley
