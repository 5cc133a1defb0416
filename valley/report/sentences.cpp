#include "valley/report/sentences.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "valley/record/units.h"
#include "valley/record/verdict.h"

namespace valley {
namespace {

constexpr double kMatches = 0.05;  // of the predicted width
constexpr size_t kMost = 5;        // sentences of one kind

const std::string kShare = "comm_fraction_of_ssgd";

// "87.34 % ± 0.12"; of what is no share, "mse 0.1234 ± 0.01".
std::string with_deviation(const ScoreInfo& score, const Spread& spread) {
  std::string text = score_text(score, spread.mean);
  if (!score.is_share) text = score_words("", score) + " " + text;
  if (spread.count > 1)
    text += score.is_share ? fmt::format(" ± {:.2f}", 100 * spread.deviation)
                           : fmt::format(" ± {:.2g}", spread.deviation);
  return text;
}

Spread of_test(const RunGroup& group, const ScoreInfo& score) {
  return group.spread(score_key("test", score));
}

std::string seeds(size_t count) { return count == 1 ? "one seed" : fmt::format("{} seeds", count); }

// "; its valley width 4.00 matches the predicted 4.00", or "".
std::string width_clause(const RunGroup& group) {
  const Spread width = group.spread("valley_width"), predicted = group.spread("predicted_width");
  if (width.count == 0 || predicted.count == 0 || predicted.mean <= 0) return "";
  const double off = width.mean / predicted.mean - 1;
  const char* relation = std::abs(off) <= kMatches ? "matches"
                         : off < 0                 ? "stays below"
                                                   : "lies above";
  return fmt::format("; its valley width {:.2f} {} the predicted {:.2f}", width.mean, relation,
                     predicted.mean);
}

// "sending 97.7 MB a worker, 25 % of what synchronous SGD sends"
std::string traffic(const RunGroup& group) {
  const Spread bytes = group.spread("comm_bytes_per_worker"), share = group.spread(kShare);
  if (bytes.count == 0) return "";
  if (bytes.mean <= 0) return ", sending nothing";
  std::string text = fmt::format(", sending {} a worker", format_bytes(std::llround(bytes.mean)));
  if (share.count > 0 && std::abs(share.mean - 1) > 1e-3) {
    text += fmt::format(", {:.3g} % of what synchronous SGD sends", 100 * share.mean);
  }
  return text;
}

std::string one_method(const RunGroup& group, const ScoreInfo& score) {
  const ReportRun& run = *group.finished().front();
  const Spread reached = of_test(group, score), seconds = group.spread("seconds.total");
  const auto workers = run.figure("workers");
  std::string text =
      fmt::format("{} trained {} on {}", group.label, run.setting("model"), run.setting("data"));
  if (workers) {
    text += fmt::format(" with {:.0f} {}", *workers, *workers == 1 ? "worker" : "workers");
  }
  text += fmt::format(" to {} on the test set", with_deviation(score, reached));
  if (reached.count > 1) text += fmt::format(" ({})", seeds(reached.count));
  if (seconds.count > 0) {
    text += fmt::format(" in {}{}", format_seconds(seconds.mean), seconds.count > 1 ? " each" : "");
  }
  return text + traffic(group) + width_clause(group) + ".";
}

// "0.53 points above ssgd", "0.02 below ssgd", with a word on whether that is more than chance.
std::string against(const ScoreInfo& score, const Spread& mine, const std::string& other,
                    const Spread& theirs) {
  const double points = score_scale(score) * (mine.mean - theirs.mean);
  const bool level =
      score.is_share ? std::abs(points) < 0.005 : std::abs(points) <= 1e-3 * std::abs(theirs.mean);
  if (level) return fmt::format("level with {}", other);
  const std::string distance = score.is_share ? fmt::format("{:.2f} points", std::abs(points))
                                              : fmt::format("{:.3g}", std::abs(points));
  std::string text = fmt::format("{} {} {}", distance, points > 0 ? "above" : "below", other);
  if (mine.count > 1 && theirs.count > 1 && !differ(mine, theirs)) {
    text += " (within the spread of seeds)";
  }
  return text;
}

// "25 % of its bytes"
std::string bytes_against(const RunGroup& mine, const RunGroup& other) {
  const Spread a = mine.spread("comm_bytes_per_worker"), b = other.spread("comm_bytes_per_worker");
  if (a.count == 0 || b.count == 0 || b.mean <= 0) return "";
  const double share = 100 * a.mean / b.mean;
  if (std::abs(share - 100) < 0.1) return ", sending as many bytes";
  return fmt::format(", sending {:.3g} % of its bytes", share);
}

std::string several_methods(std::vector<const RunGroup*> groups, const ScoreInfo& score) {
  std::stable_sort(groups.begin(), groups.end(), [&](const RunGroup* a, const RunGroup* b) {
    return is_better(score, of_test(*a, score).mean, of_test(*b, score).mean);
  });
  const RunGroup& best = *groups.front();
  // The yardstick of everybody; where it is the best itself, the next one is compared with it.
  const auto ssgd = std::find_if(groups.begin(), groups.end(), [](const RunGroup* group) {
    return group->runs.front()->algorithm == "ssgd";
  });
  const bool has_other_yardstick = ssgd != groups.end() && *ssgd != &best;
  const RunGroup& other = has_other_yardstick ? **ssgd : *groups[1];
  const Spread mine = of_test(best, score), theirs = of_test(other, score);
  const Spread sent = best.spread("comm_bytes_per_worker"),
               other_sent = other.spread("comm_bytes_per_worker");
  const std::string text = fmt::format("{} reached {} on the test set ({})", best.label,
                                       with_deviation(score, mine), seeds(mine.count));
  // Of the two, the frugal one is worth the second half of the sentence.
  if (other_sent.count > 0 && other_sent.mean < 0.999 * sent.mean) {
    return fmt::format("{}{}; {} ended {}{}{}.", text, width_clause(best), other.label,
                       against(score, theirs, "it", mine), bytes_against(other, best),
                       width_clause(other));
  }
  return fmt::format("{}, {}{}{}.", text, against(score, mine, other.label, theirs),
                     bytes_against(best, other), width_clause(best));
}

std::string how_it_stands(const ReportRun& run, const std::string& where) {
  const std::string go_on = fmt::format("valley train --resume {} goes on.", run.path.string());
  if (run.status == RunState::Kind::kDiverged) {
    return run.reason.empty()
               ? fmt::format("{} diverged: its loss was no number {}.", run.name, where)
               : fmt::format("{} diverged: {}.", run.name, run.reason);
  }
  if (run.status == RunState::Kind::kDamaged) {
    return fmt::format("{} has no result that can be read: {}.", run.name, run.reason);
  }
  if (run.status == RunState::Kind::kRunning)
    return fmt::format("{} still runs; its records end {}.", run.name, where);
  if (run.status == RunState::Kind::kInterrupted) {
    return fmt::format("{} was interrupted {}; {}", run.name, where, go_on);
  }
  return fmt::format("{} broke off {}: killed, or something failed; {}", run.name, where, go_on);
}

// The first few; `rest` says how many more there are.
void cut_off(std::vector<std::string>& sentences, fmt::format_string<size_t&> rest) {
  if (sentences.size() <= kMost) return;
  size_t more = sentences.size() - kMost;
  sentences.resize(kMost);
  sentences.push_back(fmt::format(rest, more));
}

// Runs that ended in good order, with a model that is good for nothing.
std::vector<std::string> fruitless_runs(const std::vector<RunGroup>& groups) {
  std::vector<std::string> result;
  for (const auto& group : groups) {
    for (const auto* run : group.finished()) {
      const Verdict verdict = parse_verdict(run->summary.value("verdict", ""));
      const ScoreInfo& score = run->sheet.main();
      const EndFigures end = {.first_loss = run->figure("first_loss").value_or(NAN),
                              .train_loss = run->figure("train_loss").value_or(NAN),
                              .test_score = run->figure(score_key("test", score)).value_or(NAN),
                              .test_chance = run->figure(score_key("chance", score))};
      const std::string text = caution(verdict, end, run->sheet);
      if (!text.empty()) result.push_back(fmt::format("{}: {}.", run->name, text));
    }
  }
  cut_off(result, "{} more runs ended no better than that.");
  return result;
}

// Of runs of which none has a score.
std::string no_result(const std::vector<RunGroup>& groups) {
  size_t runs = 0, diverged = 0;
  for (const auto& group : groups) {
    for (const auto* run : group.runs) {
      ++runs;
      diverged += run->status == RunState::Kind::kDiverged;
    }
  }
  if (runs == 1) {
    return fmt::format("The run {}, so there is no result{}.",
                       diverged ? "diverged" : "has not ended", diverged ? "" : " yet");
  }
  return diverged == runs
             ? fmt::format("All {} runs diverged, so there is no result.", runs)
             : fmt::format("None of the {} runs has ended, so there is no result yet.", runs);
}

}  // namespace

std::string headline(const std::vector<RunGroup>& groups) {
  const ScoreInfo score = headline_score(groups);
  std::vector<const RunGroup*> scored;
  for (const auto& group : groups) {
    if (of_test(group, score).count > 0) scored.push_back(&group);
  }
  if (scored.empty()) return no_result(groups);
  return scored.size() == 1 ? one_method(*scored.front(), score) : several_methods(scored, score);
}

std::vector<std::string> cautions(const std::vector<RunGroup>& groups) {
  std::vector<std::string> result;
  bool single = false, unended = false;
  for (const auto& group : groups) {
    single |= group.finished().size() == 1;
    for (const auto* run : group.runs) {
      if (run->finished()) continue;
      unended = true;
      const std::string where =
          run->reached.empty() ? "before anything was measured" : "at " + run->reached;
      result.push_back(how_it_stands(*run, where));
    }
  }
  cut_off(result, "{} more runs did not end.");
  std::vector<std::string> damages;
  for (const auto& group : groups) {
    for (const auto* run : group.runs) {
      for (const std::string& damage : run->damages) damages.push_back("Left out: " + damage);
    }
  }
  cut_off(damages, "{} more files are damaged.");
  result.insert(result.end(), damages.begin(), damages.end());
  if (unended) {
    result.push_back("Runs that did not end are in the curves but not in the means.");
  }
  for (auto& sentence : fruitless_runs(groups)) result.push_back(std::move(sentence));
  if (groups.size() > 1) {
    if (single) {
      result.push_back("A method with one seed has no spread: small differences may be chance.");
    }
    if (const auto terms = unequal_terms(groups); !terms.empty()) {
      result.push_back(fmt::format("The methods do not run on equal terms; they differ in {}.",
                                   fmt::join(terms, "; ")));
    }
  }
  return result;
}

}  // namespace valley
