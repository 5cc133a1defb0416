#include "valley/train/meters.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace valley {

void Meters::add_loss(const Loss& loss) {
  losses.add(loss);
  last_loss = loss;
}

void Meters::add_round(const RoundReport& report) {
  predicted_width = report.figure("predicted_width");
  pull = report.figure("pull");
  push = report.figure("push");
  last_distance = report.distance;
}

double Meters::take_mean_loss() { return std::exchange(losses, {}).mean(); }

Json to_json(const Meters& m) {
  return {{"loss_sum", m.losses.sum()},
          {"loss_count", m.losses.count()},
          {"train_bytes", m.train_bytes},
          {"samples", m.samples},
          {"predicted_width", m.predicted_width},
          {"pull", m.pull},
          {"push", m.push},
          {"probes", to_json(m.probes)},
          {"reached", m.reached},
          {"first_loss", m.first_loss},
          {"seconds",
           {m.seconds.compute, m.seconds.communicate, m.seconds.wait, m.seconds.data,
            m.seconds.evaluate, m.seconds.total, m.seconds.probe}}};
}

// JSON has no word for NaN, which is written as null; older checkpoints have no entry.
double first_loss_from(const Json& meters) {
  const auto found = meters.find("first_loss");
  if (found == meters.end() || found->is_null()) return Meters{}.first_loss;
  return found->get<double>();
}

Meters meters_from(const Json& json) {
  const auto s = json.at("seconds").get<std::vector<double>>();
  return {.losses = {json.at("loss_sum").get<double>(), json.at("loss_count").get<int64_t>()},
          .train_bytes = json.at("train_bytes"),
          .samples = json.at("samples"),
          .predicted_width = json.at("predicted_width"),
          .pull = json.value("pull", 0.0),
          .push = json.value("push", 0.0),
          .probes = json.contains("probes") ? probe_cost_from(json["probes"]) : ProbeCost{},
          .reached = json.value("reached", false),
          .first_loss = first_loss_from(json),
          .seconds = {.compute = s.at(0),
                      .communicate = s.at(1),
                      .wait = s.at(2),
                      .data = s.at(3),
                      .evaluate = s.at(4),
                      .probe = s.size() > 6 ? s[6] : 0,  // older checkpoints have none
                      .total = s.at(5)}};
}

}  // namespace valley
