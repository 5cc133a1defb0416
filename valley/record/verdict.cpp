#include "valley/record/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace valley {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"unknown", "learned", "worse", "chance"};

}  // namespace

std::string_view name(Verdict verdict) { return kNames[static_cast<size_t>(verdict)]; }

Verdict parse_verdict(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? Verdict::kUnknown : static_cast<Verdict>(found - kNames.begin());
}

Verdict judge(const EndFigures& end, const ScoreInfo& headline) {
  if (end.train_loss > end.first_loss) return Verdict::kWorse;  // false for NaN
  const auto no_better = [&](double score, const std::optional<double>& chance) {
    return chance && !is_better(headline, score, *chance);
  };
  const bool chance =
      no_better(end.train_score, end.train_chance) || no_better(end.test_score, end.test_chance);
  return chance ? Verdict::kChance : Verdict::kLearned;
}

std::string caution(Verdict verdict, const EndFigures& end, const ScoreSheet& sheet) {
  switch (verdict) {
    case Verdict::kUnknown:
    case Verdict::kLearned:
      break;
    case Verdict::kWorse:
      return fmt::format(
          "training ended worse than it began: training loss {:.4g}, in the first batches {:.4g}",
          end.train_loss, end.first_loss);
    case Verdict::kChance:
      return fmt::format("the model is no better than chance: {} {}, {} {}",
                         score_words("test", sheet.main()),
                         score_text(sheet.main(), end.test_score), sheet.chance,
                         score_text(sheet.main(), end.test_chance.value_or(NAN)));
  }
  return "";
}

}  // namespace valley
