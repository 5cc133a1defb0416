#include "valley/train/summary.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/version.h"
#include "valley/record/score_record.h"

namespace valley {

ProbeCost& ProbeCost::operator+=(const ProbeCost& other) {
  count += other.count;
  passes += other.passes;
  bytes += other.bytes;
  return *this;
}

Json to_json(const ProbeCost& cost) {
  return {{"count", cost.count}, {"passes", cost.passes}, {"bytes_per_worker", cost.bytes}};
}

ProbeCost probe_cost_from(const Json& json) {
  return {
      .count = json.at("count"), .passes = json.at("passes"), .bytes = json.at("bytes_per_worker")};
}

Json Summary::to_json() const {
  Json json = {{"status", name(status)}, {"algorithm", algorithm},   {"model", model},
               {"data", data},           {"workers", workers},       {"backend", backend},
               {"seed", seed},           {"parameters", parameters}, {"steps", steps},
               {"epochs", epochs}};
  add_sheet(json, sheet);
  add_scores(json, sheet, "train", train);
  add_scores(json, sheet, "test", test);
  if (!test_by_worker.empty()) json["test_by_worker"] = by_worker(test_by_worker);
  if (!validation.values.empty()) add_scores(json, sheet, "validation", validation);
  if (model_step >= 0) json["model_step"] = model_step;
  json.update({{"generalization_gap", generalization_gap},
               {"verdict", name(verdict)},
               {"first_loss", first_loss}});
  if (chance) json[score_key("chance", sheet.main())] = *chance;
  json.update({{"valley_width", valley_width},
               {"predicted_width", predicted_width},
               {"rounds", rounds},
               {"comm_bytes_per_worker", comm_bytes_per_worker},
               {"comm_fraction_of_ssgd", comm_fraction_of_ssgd},
               {"seconds",
                {{"compute", seconds.compute},
                 {"communicate", seconds.communicate},
                 {"wait", seconds.wait},
                 {"data", seconds.data},
                 {"evaluate", seconds.evaluate},
                 {"probe", seconds.probe},
                 {"total", seconds.total}}},
               {"probes", valley::to_json(probes)},
               {"samples_per_second", samples_per_second},
               {"peak_rss_bytes", peak_rss_bytes},
               {"version", kVersion}});
  return json;
}

std::string Summary::caution() const {
  const EndFigures end = {.first_loss = first_loss,
                          .train_loss = train.loss(),
                          .test_score = headline(),
                          .test_chance = chance};
  return valley::caution(verdict, end, sheet);
}

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// JSON has no word for a number that is not finite: it was written as null.
double number(const Json& json, const std::string& key) {
  const Json& value = json.at(key);
  return value.is_null() ? kUnknown : value.get<double>();
}

Scores scores_from(const Json& json, const ScoreSheet& sheet, std::string_view of) {
  Scores scores;
  for (const ScoreInfo& score : sheet.scores)
    scores.values.emplace_back(score.name, number(json, score_key(of, score)));
  return scores;
}

std::vector<Scores> by_worker_from(const Json& json, const ScoreSheet& sheet) {
  std::vector<Scores> workers;
  for (const Json& one : json.value("test_by_worker", Json::array())) {
    Scores& scores = workers.emplace_back();
    for (const ScoreInfo& score : sheet.scores)
      scores.values.emplace_back(score.name, number(one, score.name));
  }
  return workers;
}

std::optional<double> chance_from(const Json& json, const ScoreSheet& sheet) {
  const std::string key = score_key("chance", sheet.main());
  return json.contains(key) ? std::optional(number(json, key)) : std::nullopt;
}

}  // namespace

Summary summary_from(const Json& json) {
  try {
    const Json& s = json.at("seconds");
    const ScoreSheet sheet = sheet_of(json);
    return {.status = parse_status(json.at("status")),
            .algorithm = json.at("algorithm"),
            .model = json.at("model"),
            .data = json.at("data"),
            .workers = json.at("workers"),
            .backend = json.at("backend"),
            .seed = json.at("seed"),
            .parameters = json.at("parameters"),
            .steps = json.at("steps"),
            .epochs = number(json, "epochs"),
            .sheet = sheet,
            .train = scores_from(json, sheet, "train"),
            .test = scores_from(json, sheet, "test"),
            .test_by_worker = by_worker_from(json, sheet),
            .validation = json.contains(score_key("validation", sheet.main()))
                              ? scores_from(json, sheet, "validation")
                              : Scores{},
            .model_step = json.value("model_step", int64_t{-1}),
            .generalization_gap = number(json, "generalization_gap"),
            .verdict = parse_verdict(json.value("verdict", "")),
            .first_loss = json.contains("first_loss") ? number(json, "first_loss") : kUnknown,
            .chance = chance_from(json, sheet),
            .valley_width = number(json, "valley_width"),
            .predicted_width = number(json, "predicted_width"),
            .rounds = json.at("rounds"),
            .comm_bytes_per_worker = json.at("comm_bytes_per_worker"),
            .comm_fraction_of_ssgd = number(json, "comm_fraction_of_ssgd"),
            .seconds = {.compute = number(s, "compute"),
                        .communicate = number(s, "communicate"),
                        .wait = number(s, "wait"),
                        .data = number(s, "data"),
                        .evaluate = number(s, "evaluate"),
                        .probe = s.value("probe", 0.0),
                        .total = number(s, "total")},
            .probes = json.contains("probes") ? probe_cost_from(json["probes"]) : ProbeCost{},
            .samples_per_second = number(json, "samples_per_second"),
            .peak_rss_bytes = json.at("peak_rss_bytes")};
  } catch (const Json::exception& error) {
    // "[json.exception.out_of_range.403] key 'steps' not found": the first word is not for people.
    const std::string reason = error.what();
    const size_t word = reason.find("] ");
    throw UsageError("the summary of the run is damaged: " +
                     (word == std::string::npos ? reason : reason.substr(word + 2)));
  }
}

}  // namespace valley
