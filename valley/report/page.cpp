#include "valley/report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "valley/core/error.h"
#include "valley/core/version.h"
#include "valley/report/assets.h"
#include "valley/report/groups.h"
#include "valley/report/sentences.h"
#include "valley/report/timeline.h"

namespace valley {
namespace {

// Beside the scores.
constexpr const char* kFigures[] = {
    "generalization_gap",    "valley_width",          "predicted_width",     "rounds",
    "comm_bytes_per_worker", "comm_fraction_of_ssgd", "samples_per_second",  "peak_rss_bytes",
    "seconds.total",         "seconds.compute",       "seconds.communicate", "seconds.wait",
    "seconds.data",          "seconds.evaluate",      "seconds.probe"};

// "one value", or "3 of them" for several.
std::string common(const std::vector<ReportRun>& runs, std::string_view key,
                   const std::string& plural) {
  std::set<std::string> values;
  for (const auto& run : runs) values.insert(run.setting(key));
  return values.size() == 1 ? *values.begin() : fmt::format("{} {}", values.size(), plural);
}

std::string default_title(const std::vector<ReportRun>& runs) {
  const std::string workers = common(runs, "workers", "numbers of");
  return fmt::format("{} on {}, {} {}", common(runs, "model", "models"),
                     common(runs, "data", "data sets"), workers,
                     workers == "1" ? "worker" : "workers");
}

std::vector<std::string> figure_keys(const std::vector<ScoreInfo>& scores) {
  std::vector<std::string> keys;
  for (const char* of : {"test", "train"}) {
    for (const ScoreInfo& score : scores) keys.push_back(score_key(of, score));
  }
  keys.insert(keys.end(), std::begin(kFigures), std::end(kFigures));
  return keys;
}

// What the page must know to show them; the first is the headline.
Json scores_json(const std::vector<ScoreInfo>& scores) {
  Json list = Json::array();
  for (const ScoreInfo& score : scores) {
    list.push_back({{"name", score_words("", score)},
                    {"test", score_key("test", score)},
                    {"train", score_key("train", score)},
                    {"column", score_column("test", score)},
                    {"more", score.more_is_better},
                    {"share", score.is_share}});
  }
  return list;
}

Json run_json(const ReportRun& run) {
  Json settings = Json::array();
  for (const auto& [key, value] : run.config) settings.push_back({key, run.setting(key)});
  Json result = {{"name", run.name},
                 {"path", run.path.string()},
                 {"status", name(run.status)},
                 {"reached", run.reached},
                 {"seed", run.setting("seed")},
                 {"summary", run.summary},
                 {"settings", std::move(settings)},
                 {"config", to_toml(run.config)},
                 {"curves", run.curves}};
  for (const auto& [key, part] : {std::pair<const char*, const Json&>{"landscapes", run.landscapes},
                                  {"classes", run.classes},
                                  {"robust", run.robust},
                                  {"sharpness", run.sharpness},
                                  {"dynamics", run.dynamics},
                                  {"noise", run.noise}}) {
    if (!part.is_null()) result[key] = part;
  }
  if (run.timeline.is_object()) {
    result["timeline"] = run.timeline;
    result["timeline"]["sentence"] = straggler_sentence(worker_seconds(run.timeline));
  }
  return result;
}

}  // namespace

bool has_plotly() { return !plotly_js().empty(); }

Json report_data(const std::vector<ReportRun>& runs, const PageOptions& options) {
  const auto groups = group_runs(runs);
  const std::vector<ScoreInfo> scores = all_scores(groups);
  const std::vector<std::string> keys = figure_keys(scores);
  Json group_list = Json::array(), run_list = Json::array();
  for (const auto& group : groups) {
    Json members = Json::array(), figures = Json::object();
    for (const auto* run : group.runs) members.push_back(run - runs.data());
    for (const std::string& key : keys) {
      const Spread spread = group.spread(key);
      if (spread.count == 0) continue;
      figures[key] = {
          {"mean", spread.mean}, {"deviation", spread.deviation}, {"count", spread.count}};
    }
    group_list.push_back({{"label", group.label},
                          {"algorithm", group.runs.front()->algorithm},
                          {"runs", std::move(members)},
                          {"finished", group.finished().size()},
                          {"figures", std::move(figures)}});
  }
  for (const auto& run : runs) run_list.push_back(run_json(run));
  std::vector<std::string> caution_list = cautions(groups);
  for (const std::string& damage : options.damages) caution_list.push_back("Left out: " + damage);
  return {{"title", options.title.empty() ? default_title(runs) : options.title},
          {"headline", headline(groups)},
          {"cautions", std::move(caution_list)},
          {"version", kVersion},
          {"scores", scores_json(scores)},
          {"studies", options.studies},
          {"groups", std::move(group_list)},
          {"runs", std::move(run_list)}};
}

std::string report_page(const std::vector<ReportRun>& runs, const PageOptions& options) {
  require(has_plotly(),
          "this valley was built without Plotly.js, which draws the report: run scripts/setup.sh, "
          "then scripts/build.sh");
  const Json data = report_data(runs, options);
  const std::string title = escape_html(data.at("title").get<std::string>());
  const std::string sentence = escape_html(data.at("headline").get<std::string>());
  const std::string json = script_json(data);
  return fill_in(page_html(), {{"TITLE", title},
                               {"HEADLINE", sentence},
                               {"STYLE", page_css()},
                               {"PLOTLY", plotly_js()},
                               {"DATA", json},
                               {"SCRIPT", page_js()}});
}

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string script_json(const Json& value) {
  const std::string text = to_line(value);
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      result += "\\u003c";
    } else {
      result += c;
    }
  }
  return result;
}

std::string fill_in(std::string_view page,
                    const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
  std::string result;
  while (true) {
    const size_t begin = page.find('@');
    result += page.substr(0, begin);
    if (begin == std::string_view::npos) return result;
    const size_t end = page.find('@', begin + 1);
    const auto name = page.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1);
    const auto part = std::find_if(parts.begin(), parts.end(),
                                   [&](const auto& entry) { return entry.first == name; });
    if (end == std::string_view::npos || part == parts.end()) {
      throw std::logic_error(fmt::format("the page has no part '{}'", name));
    }
    result += part->second;
    page.remove_prefix(end + 1);
  }
}

}  // namespace valley
