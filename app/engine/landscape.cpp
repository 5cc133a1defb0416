#include "valley/instruments/landscape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "app/engine/run.h"
#include "valley/core/atomic_file.h"
#include "valley/core/error.h"
#include "valley/picture/table.h"
#include "valley/record/units.h"

namespace valley::app {
namespace {

namespace fs = std::filesystem;

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
                   std::isnan(stand.error) ? "-" : fmt::format("{:.2f} %", 100 * stand.error)});
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

}  // namespace

int landscape(const LandscapeFlags& flags) {
  const std::vector<FinishedRun> runs = open_given(flags);
  if (flags.line) return line_between(runs, flags);

  // One extent for all, so that pictures of several runs can be laid side by side.
  std::vector<Landscape> landscapes;
  double extent = flags.span;
  for (const FinishedRun& run : runs) {
    landscapes.emplace_back(run, flags.options, flags.threads());
    if (flags.span == 0) extent = std::max(extent, landscapes.back().extent());
  }
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    const Survey survey = landscapes[i].survey(extent, watch);
    all.push_back(to_json(survey));
    write_both(runs[i].folder(), landscape_file(flags.options.plane), all.back(),
               landscape_svg(survey));
    text += (text.empty() ? "" : "\n") + survey_text(survey);
  });
  return show({{"runs", all}}, text, flags.json);
}

}  // namespace valley::app
