#include <ATen/TensorOperators.h>
#include <ATen/ops/norm.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/instrument.h"
#include "app/numbers.h"
#include "app/run.h"
#include "valley/analysis/objective.h"
#include "valley/analysis/plane.h"
#include "valley/core/atomic_file.h"
#include "valley/core/clock.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/core/version.h"
#include "valley/picture/curves.h"
#include "valley/picture/landscape_picture.h"
#include "valley/picture/table.h"
#include "valley/record/json_file.h"
#include "valley/record/progress.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

struct LandscapeFlags : InstrumentFlags {
  std::string plane = "average";
  std::vector<int64_t> through;
  int64_t points = 21;
  double span = 0;
  std::string split = "train";
  std::string batch_norm = "probe";
};

// One run, what of it is looked at, and with what.
struct View {
  const FinishedRun* run;
  RunWeights weights;
  std::unique_ptr<Objective> objective;
};

void check_flags(const LandscapeFlags& flags) {
  choose("--plane", flags.plane, {"average", "workers", "spread", "random", "line"});
  choose("--split", flags.split, {"train", "test"});
  parse_batch_norm(flags.batch_norm);
  require(flags.points >= 2, "--points must be at least 2, got {}", flags.points);
  require(flags.points <= 501, "--points must be at most 501, got {}", flags.points);
  require(flags.span >= 0 && std::isfinite(flags.span), "--span must be at least 0, got {}",
          flags.span);
  check(flags);
  const size_t wanted = flags.plane == "average" ? 2 : flags.plane == "workers" ? 3 : 0;
  require(flags.through.empty() || flags.through.size() == wanted,
          "--through: --plane {} takes {} workers, got {}", flags.plane,
          wanted == 0 ? "no" : std::to_string(wanted), flags.through.size());
}

View view_of(const FinishedRun& run, const LandscapeFlags& flags) {
  const DataSplits data = run.load_data();
  View view{.run = &run, .weights = run.load_weights(data), .objective = nullptr};
  const auto& split = flags.split == "train" ? data.train : data.test;
  view.objective = std::make_unique<Objective>(
      [run, data] { return run.make_model(data); }, examples_of(split, flags), *data.train,
      ObjectiveOptions{.threads = static_cast<int>(flags.workers),
                       .decay_rule = run.decay_rule(),
                       .batch_norm = parse_batch_norm(flags.batch_norm)});
  return view;
}

Plane plane_of(const View& view, const LandscapeFlags& flags) {
  const auto& [average, workers, initial, ranges] = view.weights;
  std::vector<int> through(flags.through.begin(), flags.through.end());
  if (through.empty()) through = {0, 1, 2};
  try {
    if (flags.plane == "random") return random_plane(average, ranges, flags.seed_bits());
    if (flags.plane == "spread") return plane_of_spread(average, workers, flags.seed_bits());
    require(workers.size() >= 3,
            "--plane {} needs three workers, there are {} (two lie in one line with their average)",
            flags.plane, workers.size());
    return flags.plane == "workers"
               ? plane_through_workers(workers, through[0], through[1], through[2])
               : plane_through_average(average, workers, through[0], through[1]);
  } catch (const UsageError& error) {
    const std::string remedy = flags.plane == "random" ? ""
                               : workers.size() == 2 && flags.plane != "spread"
                                   ? "; try --plane spread or random"
                                   : "; try --plane random";
    throw UsageError(view.run->folder() + ": " + error.what() + remedy);
  }
}

struct Stand {
  std::string name;
  const at::Tensor* x;
  PlaneCoordinates at;
};

std::vector<Stand> stands_of(const View& view, const Plane& plane) {
  std::vector<Stand> stands = {{"average", &view.weights.average, {}}};
  for (size_t m = 0; m < view.weights.workers.size(); ++m) {
    stands.push_back({fmt::format("worker {}", m), &view.weights.workers[m], {}});
  }
  for (Stand& stand : stands) stand.at = coordinates(plane, *stand.x);
  return stands;
}

std::vector<double> evenly(double low, double high, int64_t points) {
  std::vector<double> values;
  for (int64_t i = 0; i < points; ++i) {
    values.push_back(low + (high - low) * double(i) / double(points - 1));
  }
  return values;
}

Json about(const View& view, const LandscapeFlags& flags) {
  Json result = about(*view.run);
  result.update({{"split", flags.split},
                 {"samples", view.objective->examples()},
                 {"batch_norm", flags.batch_norm},
                 {"seed", flags.seed},
                 {"version", kVersion}});
  return result;
}

Json survey(View& view, const Plane& plane, double extent, const LandscapeFlags& flags,
            Progress& progress) {
  const double start = now_seconds();
  const std::vector<double> axis = evenly(-extent, extent, flags.points);
  const std::vector<Stand> stands = stands_of(view, plane);
  const auto total = static_cast<int64_t>(axis.size() * axis.size() + stands.size());
  int64_t done = 0;
  const auto look = [&](const at::Tensor& x) {
    const PointScores scores = view.objective->scores(x);
    progress.update({.step = ++done, .total_steps = total});
    return scores;
  };
  Json result = about(view, flags);
  result["plane"] = flags.plane;
  result["axes"] = plane.axes;
  result["x"] = result["y"] = axis;
  for (const Stand& stand : stands) {
    const PointScores scores = look(*stand.x);
    if (stand.name == "average") require_finite(scores.loss, *view.run);
    result["points"].push_back({{"name", stand.name},
                                {"x", stand.at.x},
                                {"y", stand.at.y},
                                {"off_plane", stand.at.off_plane},
                                {"loss", finite_or_null(scores.loss)},
                                {"error", 1 - scores.accuracy}});
  }
  for (const double y : axis) {
    Json losses = Json::array(), errors = Json::array();
    for (const double x : axis) {
      const PointScores scores = look(plane.at(x, y));
      losses.push_back(finite_or_null(scores.loss));
      errors.push_back(1 - scores.accuracy);
    }
    result["loss"].push_back(losses);
    result["error"].push_back(errors);
  }
  result["seconds"] = now_seconds() - start;
  return result;
}

double number_or_nan(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

std::string picture_of(const Json& survey) {
  LandscapePicture picture{
      .title = fmt::format("{}: {} loss", survey["algorithm"].get<std::string>(),
                           survey["split"] == "train" ? "training" : "test"),
      .x_label = survey["axes"][0],
      .y_label = survey["axes"][1],
      .x = survey["x"],
      .y = survey["y"]};
  for (const Json& row : survey["loss"]) {
    picture.loss.emplace_back();
    for (const Json& loss : row) picture.loss.back().push_back(number_or_nan(loss));
  }
  for (const Json& point : survey["points"]) {
    picture.marks.push_back({point["name"], point["x"], point["y"]});
  }
  return landscape_svg(picture);
}

std::string points_table(const Json& survey) {
  Table table({{survey["run"].get<std::string>()},
               {"x", Table::Align::kRight},
               {"y", Table::Align::kRight},
               {"off the plane", Table::Align::kRight},
               {"loss", Table::Align::kRight},
               {"error", Table::Align::kRight}});
  for (const Json& p : survey["points"]) {
    table.add_row({p["name"], fmt::format("{:.3f}", p["x"].get<double>()),
                   fmt::format("{:.3f}", p["y"].get<double>()),
                   fmt::format("{:.3f}", p["off_plane"].get<double>()),
                   fmt::format("{:.4g}", number_or_nan(p["loss"])),
                   fmt::format("{:.2f} %", 100 * p["error"].get<double>())});
  }
  return table.to_string();
}

// Every plane has a file of its own; the one that is looked at by default has the short name.
std::string file_of(const std::string& plane) {
  return plane == "average" ? "landscape" : "landscape-" + plane;
}

void write_survey(const std::string& folder, const std::string& name, const Json& json,
                  const std::string& svg) {
  write_json(fs::path(folder) / (name + ".json"), json);
  write_atomically(fs::path(folder) / (name + ".svg"), svg);
}

// The loss on the way from one run's average to another's, and beyond both.
int cut(const std::vector<FinishedRun>& runs, const LandscapeFlags& flags) {
  View from = view_of(runs[0], flags), to = view_of(runs[1], flags);
  require(from.weights.average.sizes() == to.weights.average.sizes() &&
              runs[0].summary().model == runs[1].summary().model,
          "--plane line needs two runs of one model, got {} and {}", runs[0].summary().model,
          runs[1].summary().model);
  const auto progress = progress_unless(flags.quiet);
  const at::Tensor& a = from.weights.average;
  const at::Tensor way = to.weights.average - a;
  const std::vector<double> ts = evenly(-0.25, 1.25, flags.points);
  std::vector<double> losses, errors;
  const auto look = [&](double t) {
    return from.objective->scores(t == 1 ? to.weights.average : a + way * t);
  };
  const double at_a = look(0).loss, at_b = look(1).loss;
  double barrier = 0, highest = 0;
  for (size_t i = 0; i < ts.size(); ++i) {
    const PointScores scores = look(ts[i]);
    losses.push_back(scores.loss);
    errors.push_back(1 - scores.accuracy);
    const double above = scores.loss - ((1 - ts[i]) * at_a + ts[i] * at_b);
    if (0 < ts[i] && ts[i] < 1 && above > barrier) barrier = above, highest = ts[i];
    progress->update({.step = int64_t(i) + 1, .total_steps = flags.points});
  }
  progress->finish();
  const double distance = way.norm().item<double>();
  Json result = about(from, flags);
  result["to"] = runs[1].folder();
  result["plane"] = "line";
  result["distance"] = distance;
  result["t"] = ts;
  for (const double loss : losses) result["loss"].push_back(finite_or_null(loss));
  result["error"] = errors;
  result["loss_at_ends"] = {at_a, at_b};
  result["barrier"] = finite_or_null(barrier);
  result["barrier_at"] = highest;
  Panel loss{.title = "loss",
             .x_label = "t: 0 is the first run, 1 the second",
             .curves = {},
             .logarithmic = true},
      error{.title = "error", .x_label = loss.x_label, .curves = {}};
  Curve line{.label = flags.split, .points = {}}, wrong = line;
  for (size_t i = 0; i < ts.size(); ++i) {
    line.points.emplace_back(ts[i], losses[i]);
    wrong.points.emplace_back(ts[i], errors[i]);
  }
  loss.curves = {line};
  error.curves = {wrong};
  write_survey(runs[0].folder(), "line", result,
               curves_svg("From " + runs[0].folder() + " to " + runs[1].folder(), {loss, error}));
  const std::string barrier_text =
      barrier > 0 ? fmt::format("a barrier of {:.4g} at t = {:.3g}", barrier, highest)
                  : std::string("no barrier");
  return show(result,
              fmt::format("{} to {}: distance {:.3g}, loss {:.4g} and {:.4g}, {}\n\nwritten to "
                          "{}/line.json and line.svg\n",
                          runs[0].folder(), runs[1].folder(), distance, at_a, at_b, barrier_text,
                          runs[0].folder()),
              flags);
}

int landscape(const LandscapeFlags& flags) {
  check_flags(flags);
  const std::vector<FinishedRun> runs = open_given(flags);
  if (flags.plane == "line") {
    require(runs.size() == 2, "--plane line needs two runs, got {}", runs.size());
    return cut(runs, flags);
  }

  // One extent for all, so that pictures of several runs can be laid side by side.
  std::vector<View> views;
  std::vector<Plane> planes;
  double extent = flags.span;
  for (const FinishedRun& run : runs) {
    views.push_back(view_of(run, flags));
    planes.push_back(plane_of(views.back(), flags));
    if (flags.span > 0) continue;
    if (flags.plane == "random") extent = 1;
    if (flags.plane == "random") continue;
    for (const Stand& stand : stands_of(views.back(), planes.back())) {
      extent = std::max(extent, 2 * std::max(std::abs(stand.at.x), std::abs(stand.at.y)));
    }
  }

  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, Progress& progress) {
    all.push_back(survey(views[i], planes[i], extent, flags, progress));
    write_survey(runs[i].folder(), file_of(flags.plane), all.back(), picture_of(all.back()));
    text +=
        points_table(all.back()) +
        fmt::format(
            "\n{} of {} by {} points, {} {} examples, {}; written to {}/{}.json and {}.svg\n\n",
            flags.plane == "random" ? "random plane" : "plane", flags.points, flags.points,
            format_count(all.back()["samples"]), flags.split, format_seconds(all.back()["seconds"]),
            runs[i].folder(), file_of(flags.plane), file_of(flags.plane));
  });
  text.pop_back();
  return show({{"runs", all}}, text, flags);
}

}  // namespace

Command add_landscape(CLI::App& program) {
  auto* command = program.add_subcommand(
      "landscape", "survey the loss around the minimum that a finished run found");
  auto flags = std::make_shared<LandscapeFlags>();
  add_run_flags(*command, *flags);
  add_sample_flags(*command, *flags, "examples the loss is taken over, drawn balanced; 0: all",
                   "of the examples and the random directions");
  command
      ->add_option("--plane", flags->plane,
                   "average: through the average and two workers; workers: through three; spread: "
                   "the two directions in which the workers differ most; random: two random ones, "
                   "every filter of its own length; line: from one run to another")
      ->capture_default_str();
  command->add_option("--through", flags->through, "which workers, separated by commas")
      ->delimiter(',')
      ->check([](const std::string& text) { return check_whole_number("--through", text); });
  add_number(*command, "--points", flags->points, "along each axis");
  add_number(*command, "--span", flags->span,
             "the axes go from -span to span; 0: twice as far as the workers, of all runs");
  command->add_option("--split", flags->split, "train or test")->capture_default_str();
  command
      ->add_option("--batch-norm", flags->batch_norm,
                   "probe: statistics re-estimated at every point; average: those of the average")
      ->capture_default_str();
  command->footer(
      "Writes landscape.json and landscape.svg into every run folder, landscape-PLANE.json and "
      ".svg\n"
      "for another plane than average, and line.json and line.svg for a line. Examples:\n"
      "  valley landscape runs/first\n"
      "  valley landscape runs/compare --plane spread --points 31 --samples 0\n"
      "  valley landscape runs/a runs/b --plane line");
  return [flags] { return landscape(*flags); };
}

}  // namespace valley::app
