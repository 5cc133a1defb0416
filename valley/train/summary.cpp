#include "valley/train/summary.h"

#include <nlohmann/json.hpp>

#include "valley/core/error.h"
#include "valley/core/version.h"

namespace valley {

Json Summary::to_json() const {
  return {{"status", status},
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
            {"total", seconds.total}}},
          {"samples_per_second", samples_per_second},
          {"peak_rss_bytes", peak_rss_bytes},
          {"version", kVersion}};
}

Summary summary_from(const Json& json) {
  try {
    const Json& s = json.at("seconds");
    return {.status = json.at("status"),
            .algorithm = json.at("algorithm"),
            .model = json.at("model"),
            .data = json.at("data"),
            .workers = json.at("workers"),
            .backend = json.at("backend"),
            .seed = json.at("seed"),
            .parameters = json.at("parameters"),
            .steps = json.at("steps"),
            .epochs = json.at("epochs"),
            .train_loss = json.at("train_loss"),
            .train_accuracy = json.at("train_accuracy"),
            .test_loss = json.at("test_loss"),
            .test_accuracy = json.at("test_accuracy"),
            .generalization_gap = json.at("generalization_gap"),
            .valley_width = json.at("valley_width"),
            .predicted_width = json.at("predicted_width"),
            .rounds = json.at("rounds"),
            .comm_bytes_per_worker = json.at("comm_bytes_per_worker"),
            .comm_fraction_of_ssgd = json.at("comm_fraction_of_ssgd"),
            .seconds = {s.at("compute"), s.at("communicate"), s.at("wait"), s.at("data"),
                        s.at("evaluate"), s.at("total")},
            .samples_per_second = json.at("samples_per_second"),
            .peak_rss_bytes = json.at("peak_rss_bytes")};
  } catch (const Json::exception& error) {
    throw UsageError(std::string("the summary of the run is damaged: ") + error.what());
  }
}

}  // namespace valley
