#include "valley/train/summary.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/version.h"

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
  return {{"status", name(status)},
          {"algorithm", algorithm},
          {"model", model},
          {"data", data},
          {"workers", workers},
          {"backend", backend},
          {"seed", seed},
          {"parameters", parameters},
          {"steps", steps},
          {"epochs", epochs},
          {"train_loss", train_loss},
          {"train_accuracy", train_accuracy},
          {"test_loss", test_loss},
          {"test_accuracy", test_accuracy},
          {"generalization_gap", generalization_gap},
          {"verdict", name(verdict)},
          {"first_loss", first_loss},
          {"chance_accuracy", chance_accuracy},
          {"valley_width", valley_width},
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
          {"version", kVersion}};
}

std::string Summary::caution() const {
  return valley::caution(verdict, train_loss, first_loss, test_accuracy, chance_accuracy);
}

namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// JSON has no word for a number that is not finite: it was written as null.
double number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

Summary summary_from(const Json& json) {
  try {
    const Json& s = json.at("seconds");
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
            .train_loss = number(json, "train_loss"),
            .train_accuracy = number(json, "train_accuracy"),
            .test_loss = number(json, "test_loss"),
            .test_accuracy = number(json, "test_accuracy"),
            .generalization_gap = number(json, "generalization_gap"),
            .verdict = parse_verdict(json.value("verdict", "")),
            .first_loss = json.contains("first_loss") ? number(json, "first_loss") : kUnknown,
            .chance_accuracy = json.value("chance_accuracy", 0.0),
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
