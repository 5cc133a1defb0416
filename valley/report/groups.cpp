#include "valley/report/groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace valley {
namespace {

// Of no effect on what is learnt.
const std::set<std::string, std::less<>> kNoSetting = {
    "seed",    "out",           "launch",         "backend",          "threads",
    "timeout", "quiet",         "evaluate-every", "checkpoint-every", "keep-checkpoints",
    "probe",   "probe-samples", "probe-draws",    "probe-unsmoothed"};

constexpr const char* kTerms[] = {"task",         "data",     "train-samples", "test-samples",
                                  "partition",    "model",    "workers",       "batch-size",
                                  "epochs",       "steps",    "optimizer",     "lr",
                                  "lr-schedule",  "momentum", "nesterov",      "weight-decay",
                                  "warmup-steps", "sam",      "flip",          "crop-padding"};

constexpr size_t kNamed = 4;  // settings in a label

using Settings = std::map<std::string, std::string>;

Settings settings_of(const ReportRun& run) {
  Settings settings;
  for (const auto& [key, value] : run.config) {
    if (!kNoSetting.contains(key)) settings[key] = run.setting(key);
  }
  return settings;
}

// In the order of the configuration, those that are not the same in all the groups.
std::vector<std::string> differing(const std::vector<const RunGroup*>& groups) {
  std::vector<std::string> keys;
  for (const auto& item : groups.front()->runs.front()->config) {
    if (kNoSetting.contains(item.first)) continue;
    std::set<std::string> values;
    for (const auto* group : groups) values.insert(group->runs.front()->setting(item.first));
    if (values.size() > 1) keys.push_back(item.first);
  }
  return keys;
}

}  // namespace

std::vector<const ReportRun*> RunGroup::finished() const {
  std::vector<const ReportRun*> result;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(result),
               [](const ReportRun* run) { return run->finished(); });
  return result;
}

Spread RunGroup::spread(std::string_view figure) const {
  std::vector<double> values;
  for (const auto* run : finished()) {
    if (const auto value = run->figure(figure)) values.push_back(*value);
  }
  return spread_of(values);
}

ScoreInfo headline_score(const std::vector<RunGroup>& groups) {
  for (const RunGroup& group : groups) {
    const ScoreInfo& score = group.sheet().main();
    if (group.spread(score_key("test", score)).count > 0) return score;
  }
  return groups.empty() ? classification_scores().main() : groups.front().sheet().main();
}

std::vector<ScoreInfo> all_scores(const std::vector<RunGroup>& groups) {
  std::vector<ScoreInfo> all = {headline_score(groups)};
  for (const RunGroup& group : groups) {
    for (const ScoreInfo& score : group.sheet().headline_first()) {
      if (std::none_of(all.begin(), all.end(),
                       [&](const ScoreInfo& known) { return known.name == score.name; }))
        all.push_back(score);
    }
  }
  return all;
}

std::vector<RunGroup> group_runs(const std::vector<ReportRun>& runs) {
  std::vector<RunGroup> groups;
  std::map<Settings, size_t> place;
  for (const auto& run : runs) {
    const auto [found, is_new] = place.try_emplace(settings_of(run), groups.size());
    if (is_new) groups.push_back({run.algorithm, {}});
    groups[found->second].runs.push_back(&run);
  }

  std::map<std::string, std::vector<const RunGroup*>> by_algorithm;
  for (const auto& group : groups) by_algorithm[group.label].push_back(&group);
  std::map<std::string, int> taken;
  std::vector<std::string> labels;
  for (const auto& group : groups) {
    std::string label = group.label;
    const auto& alike = by_algorithm.at(group.label);
    if (alike.size() > 1) {
      const auto keys = differing(alike);
      for (size_t i = 0; i < std::min(keys.size(), kNamed); ++i) {
        label += fmt::format(" {}={}", keys[i], group.runs.front()->setting(keys[i]));
      }
    }
    const int number = ++taken[label];
    labels.push_back(number == 1 ? label : fmt::format("{} ({})", label, number));
  }
  for (size_t i = 0; i < groups.size(); ++i) groups[i].label = labels[i];
  return groups;
}

std::vector<std::string> unequal_terms(const std::vector<RunGroup>& groups) {
  std::vector<std::string> terms;
  for (const char* key : kTerms) {
    std::vector<std::string> values;
    for (const auto& group : groups) {
      const std::string value = group.runs.front()->setting(key);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    if (values.size() > 1) terms.push_back(fmt::format("{} ({})", key, fmt::join(values, ", ")));
  }
  return terms;
}

}  // namespace valley
