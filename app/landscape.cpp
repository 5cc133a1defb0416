#include "valley/instruments/landscape.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.h"
#include "app/instrument.h"
#include "app/numbers.h"
#include "app/run.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/instruments/examples.h"
#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

constexpr PlaneKind kPlanes[] = {PlaneKind::kAverage, PlaneKind::kWorkers, PlaneKind::kSpread,
                                 PlaneKind::kRandom};

struct LandscapeFlags : InstrumentFlags {
  std::string plane = "average";  // or a line from one run to another
  double span = 0;
  LandscapeOptions options;
};

Split parse_split(const std::string& text) {
  return choose("--split", text, {"train", "test"}) == 0 ? Split::kTrain : Split::kTest;
}

// What --plane names; nothing: a line.
std::optional<PlaneKind> parse_plane(const std::string& text) {
  const size_t place = choose("--plane", text, {"average", "workers", "spread", "random", "line"});
  return place < std::size(kPlanes) ? std::optional(kPlanes[place]) : std::nullopt;
}

void check_span(const LandscapeFlags& flags) {
  require(flags.span >= 0 && std::isfinite(flags.span), "--span must be at least 0, got {}",
          flags.span);
}

std::string shown_loss(double loss) {
  return std::isfinite(loss) ? fmt::format("{:.4g}", loss) : "nan";
}

std::string stands_table(const Survey& survey) {
  Table table({{survey.facts.run.folder},
               {"x", Table::Align::kRight},
               {"y", Table::Align::kRight},
               {"off the plane", Table::Align::kRight},
               {"loss", Table::Align::kRight},
               {"error", Table::Align::kRight}});
  for (const Survey::Stand& stand : survey.stands) {
    table.add_row({stand.name, fmt::format("{:.3f}", stand.at.x), fmt::format("{:.3f}", stand.at.y),
                   fmt::format("{:.3f}", stand.at.off_plane), shown_loss(stand.loss),
                   fmt::format("{:.2f} %", 100 * stand.error)});
  }
  return table.to_string();
}

std::string survey_text(const Survey& survey) {
  const LandscapeOptions& o = survey.facts.options;
  const std::string file = landscape_file(o.plane);
  return stands_table(survey) +
         fmt::format(
             "\n{} of {} by {} points, {} {} examples, {}; written to {}/{}.json and {}.svg\n",
             o.plane == PlaneKind::kRandom ? "random plane" : "plane", o.points, o.points,
             format_count(survey.facts.examples), name(o.split), format_seconds(survey.seconds),
             survey.facts.run.folder, file, file);
}

void write_both(const std::string& folder, const std::string& name, const Json& json,
                const std::string& svg) {
  write_json(fs::path(folder) / (name + ".json"), json);
  write_atomically(fs::path(folder) / (name + ".svg"), svg);
}

int line_between(const std::vector<FinishedRun>& runs, const LandscapeFlags& flags) {
  require(runs.size() == 2, "--plane line needs two runs, got {}", runs.size());
  const auto progress = progress_unless(flags.quiet);
  const Line line =
      cut(runs[0], runs[1], flags.options, flags.threads(), {.progress = progress.get()});
  progress->finish();
  const Json json = to_json(line);
  write_both(runs[0].folder(), kLineFile, json, line_svg(line));
  const std::string barrier = line.barrier > 0 ? fmt::format("a barrier of {:.4g} at t = {:.3g}",
                                                             line.barrier, line.barrier_at)
                                               : std::string("no barrier");
  return show(json,
              fmt::format("{} to {}: distance {:.3g}, loss {:.4g} and {:.4g}, {}\n\nwritten to "
                          "{}/line.json and line.svg\n",
                          runs[0].folder(), runs[1].folder(), line.distance, line.loss_at_ends[0],
                          line.loss_at_ends[1], barrier, runs[0].folder()),
              flags.json);
}

int landscape(const LandscapeFlags& flags) {
  const std::optional<PlaneKind> plane = parse_plane(flags.plane);
  LandscapeOptions options = flags.options;
  if (plane) options.plane = *plane;
  require(plane || options.through.empty(), "--through: --plane line takes no workers, got {}",
          options.through.size());
  check(options);
  check_span(flags);
  check(flags);
  const std::vector<FinishedRun> runs = open_given(flags);
  if (!plane) return line_between(runs, flags);

  // One extent for all, so that pictures of several runs can be laid side by side.
  std::vector<Landscape> landscapes;
  double extent = flags.span;
  for (const FinishedRun& run : runs) {
    landscapes.emplace_back(run, options, flags.threads());
    if (flags.span == 0) extent = std::max(extent, landscapes.back().extent());
  }
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    const Survey survey = landscapes[i].survey(extent, watch);
    all.push_back(to_json(survey));
    write_both(runs[i].folder(), landscape_file(options.plane), all.back(), landscape_svg(survey));
    text += (text.empty() ? "" : "\n") + survey_text(survey);
  });
  return show({{"runs", all}}, text, flags.json);
}

}  // namespace

Command add_landscape(CLI::App& program) {
  auto* command = program.add_subcommand(
      "landscape", "survey the loss around the minimum that a finished run found");
  auto flags = std::make_shared<LandscapeFlags>();
  add_run_flags(*command, *flags);
  add_number(*command, "--samples", flags->options.samples,
             "examples the loss is taken over, drawn balanced; 0: all");
  add_number(*command, "--seed", flags->options.seed, "of the examples and the random directions");
  command
      ->add_option("--plane", flags->plane,
                   "average: through the average and two workers; workers: through three; spread: "
                   "the two directions in which the workers differ most; random: two random ones, "
                   "every filter of its own length; line: from one run to another")
      ->capture_default_str();
  command->add_option("--through", flags->options.through, "which workers, separated by commas")
      ->delimiter(',')
      ->check([](const std::string& text) { return check_whole_number("--through", text); });
  add_number(*command, "--points", flags->options.points, "along each axis");
  add_number(*command, "--span", flags->span,
             "the axes go from -span to span; 0: twice as far as the workers, of all runs");
  add_name(*command, "--split", flags->options.split, &parse_split, "train or test");
  add_name(*command, "--batch-norm", flags->options.batch_norm, &parse_batch_norm,
           "probe: statistics re-estimated at every point; average: those of the average");
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
