#include "valley/picture/run_curves.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "valley/core/atomic_file.h"
#include "valley/picture/curves.h"
#include "valley/record/metrics.h"
#include "valley/record/run_folder.h"
#include "valley/record/score_record.h"

namespace valley {

namespace fs = std::filesystem;

void write_curves(const std::string& folder, const std::string& title,
                  const std::vector<std::pair<std::string, std::string>>& labels_and_runs) {
  Panel loss{.title = "loss of the workers", .x_label = "epoch", .curves = {}, .logarithmic = true};
  std::vector<Panel> scores;  // one for each headline
  const auto scored = [&](const ScoreInfo& score) -> Panel& {
    const std::string title = score_words("test", score) + " of the average";
    for (Panel& panel : scores) {
      if (panel.title == title) return panel;
    }
    return scores.emplace_back(Panel{.title = title, .x_label = "epoch", .curves = {}});
  };
  Panel width{.title = "valley width (dashed: predicted)", .x_label = "epoch", .curves = {}};
  for (const auto& [label, run] : labels_and_runs) {
    Curve test{.label = label, .points = {}};
    Curve distance{.label = label, .points = {}};
    Curve predicted{.label = label, .points = {}, .dashed = true};
    std::vector<Curve> workers;
    ScoreInfo headline = classification_scores().main();
    for (const Json& record : read_metrics(fs::path(run) / RunFolder::kMetrics)) {
      const double epoch = record.at("epoch");
      const auto add = [&](const char* key, Curve& curve) {
        const auto value = record.find(key);
        if (value != record.end() && value->is_number()) {
          curve.points.emplace_back(epoch, value->get<double>());
        }
      };
      if (record.contains("task")) headline = sheet_of(record).main();
      // Of a run with a validation set the test set is a point at its end.
      const bool chosen = record.contains(score_key("validation", headline));
      add(score_key(chosen ? "validation" : "test", headline).c_str(), test);
      if (record.contains("distances")) {
        add("valley_width", distance);
        add("predicted_width", predicted);
      }
      if (record.at("worker").is_number() && record.contains("loss")) {
        workers.resize(std::max(workers.size(), record.at("worker").get<size_t>() + 1),
                       {.label = label, .points = {}});
        add("loss", workers[record.at("worker").get<size_t>()]);
      }
    }
    for (Curve& curve : workers) loss.curves.push_back(std::move(curve));
    scored(headline).curves.push_back(std::move(test));
    width.curves.push_back(std::move(distance));
    width.curves.push_back(std::move(predicted));
  }
  std::vector<Panel> panels = {loss};
  panels.insert(panels.end(), scores.begin(), scores.end());
  panels.push_back(width);
  write_atomically(fs::path(folder) / "curves.svg", curves_svg(title, panels));
}

}  // namespace valley
