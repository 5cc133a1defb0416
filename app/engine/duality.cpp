#include "valley/instruments/duality.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/engine/engine.h"
#include "app/engine/instrument.h"
#include "valley/picture/table.h"

namespace valley::app {
namespace {

std::string text_of(const DualityResult& result) {
  using Align = Table::Align;
  Table table({{"direction", Align::kRight},
               {"eigenvalue", Align::kRight},
               {"c", Align::kRight},
               {"sigma_w", Align::kRight},
               {"sigma_g", Align::kRight},
               {"of the gap", Align::kRight}});
  const auto short_text = [](double value) { return fmt::format("{:.4g}", value); };
  for (size_t n = 0; n < result.directions.size(); ++n) {
    const GapDirection& d = result.directions[n];
    table.add_row({std::to_string(n + 1), short_text(d.eigenvalue), short_text(d.correlation),
                   short_text(d.sigma_w), short_text(d.sigma_g), short_text(d.contribution)});
  }
  table.add_row({"others", "", "", "", "", short_text(result.rest)});
  const std::string left_out =
      result.left_out > 0 ? fmt::format(", {} more that the layer does not see", result.left_out)
                          : "";
  return fmt::format(
      "{}, layer {}, {} weights: gap {:.4g} over {} pairs{}; loss {:.4g} on test, {:.4g} on "
      "training examples\n{}",
      result.run.folder, result.layer, result.weights, result.gap, result.pairs, left_out,
      result.test_loss, result.train_loss, table.to_string());
}

}  // namespace

int duality(const DualityFlags& flags) {
  const std::vector<FinishedRun> runs = open_given(flags, RunsAre::kRead);
  Json all = Json::array();
  std::string text;
  for_each_run(runs, flags, [&](size_t i, const InstrumentWatch& watch) {
    const DualityResult result = measure_duality(runs[i], flags.options, flags.threads(), watch);
    all.push_back(to_json(result));
    text += (text.empty() ? "" : "\n") + text_of(result);
  });
  return show({{"runs", all}}, text, flags.json);
}

}  // namespace valley::app
