#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "valley/core/version.h"
#include "valley/instruments/examples.h"
#include "valley/instruments/figures_json.h"
#include "valley/instruments/landscape.h"
#include "valley/picture/curves.h"
#include "valley/picture/landscape_picture.h"

namespace valley {
namespace {

Json facts_json(const LandscapeFacts& facts) {
  Json json = to_json(facts.run);
  json.update({{"split", name(facts.options.split)},
               {"samples", facts.examples},
               {"batch_norm", name(facts.options.batch_norm)},
               {"seed", facts.options.seed},
               {"version", kVersion}});
  return json;
}

}  // namespace

Json to_json(const Survey& survey) {
  Json json = facts_json(survey.facts);
  json["plane"] = name(survey.facts.options.plane);
  json["axes"] = survey.axes;
  json["y"] = survey.axis;
  json["x"] = survey.axis;
  const bool errors = has_error(survey.facts.run.sheet);
  for (const Survey::Stand& stand : survey.stands) {
    json["points"].push_back({{"name", stand.name},
                              {"x", stand.at.x},
                              {"y", stand.at.y},
                              {"off_plane", stand.at.off_plane},
                              {"loss", finite_or_null(stand.loss)}});
    if (errors) json["points"].back()["error"] = stand.error;
  }
  for (const auto& row : survey.loss) json["loss"].push_back(to_json(row));
  for (size_t y = 0; errors && y < survey.error.size(); ++y)
    json["error"].push_back(survey.error[y]);
  json["seconds"] = survey.seconds;
  return json;
}

Json to_json(const Line& line) {
  Json json = facts_json(line.facts);
  json["to"] = line.to;
  json["plane"] = "line";
  json["distance"] = line.distance;
  json["t"] = line.t;
  json["loss"] = to_json(line.loss);
  if (has_error(line.facts.run.sheet)) json["error"] = line.error;
  json["loss_at_ends"] = line.loss_at_ends;
  json["barrier"] = finite_or_null(line.barrier);
  json["barrier_at"] = line.barrier_at;
  return json;
}

std::string landscape_svg(const Survey& survey) {
  LandscapePicture picture{
      .title = fmt::format("{}: {} loss", survey.facts.run.algorithm,
                           survey.facts.options.split == Split::kTrain ? "training" : "test"),
      .x_label = survey.axes[0],
      .y_label = survey.axes[1],
      .x = survey.axis,
      .y = survey.axis,
      .loss = survey.loss};
  for (const Survey::Stand& stand : survey.stands) {
    picture.marks.push_back({stand.name, stand.at.x, stand.at.y});
  }
  return landscape_svg(picture);
}

std::string line_svg(const Line& line) {
  Panel loss{.title = "loss",
             .x_label = "t: 0 is the first run, 1 the second",
             .curves = {},
             .logarithmic = true},
      error{.title = "error", .x_label = loss.x_label, .curves = {}};
  Curve right{.label = std::string(name(line.facts.options.split)), .points = {}}, wrong = right;
  for (size_t i = 0; i < line.t.size(); ++i) {
    right.points.emplace_back(line.t[i], line.loss[i]);
    wrong.points.emplace_back(line.t[i], line.error[i]);
  }
  loss.curves = {std::move(right)};
  error.curves = {std::move(wrong)};
  return curves_svg("From " + line.facts.run.folder + " to " + line.to, {loss, error});
}

std::string landscape_file(PlaneKind plane) {
  return plane == PlaneKind::kAverage ? "landscape" : fmt::format("landscape-{}", name(plane));
}

}  // namespace valley
