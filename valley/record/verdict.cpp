#include "valley/record/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace valley {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"unknown", "learned", "worse", "chance"};

}  // namespace

std::string_view name(Verdict verdict) { return kNames[static_cast<size_t>(verdict)]; }

Verdict parse_verdict(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? Verdict::kUnknown : static_cast<Verdict>(found - kNames.begin());
}

Verdict judge(const EndFigures& end) {
  if (end.train_loss > end.first_loss) return Verdict::kWorse;  // false for NaN
  const bool chance =
      end.train_accuracy <= end.train_chance || end.test_accuracy <= end.test_chance;
  return chance ? Verdict::kChance : Verdict::kLearned;
}

std::string caution(Verdict verdict, double train_loss, double first_loss, double test_accuracy,
                    double chance_accuracy) {
  switch (verdict) {
    case Verdict::kUnknown:
    case Verdict::kLearned:
      break;
    case Verdict::kWorse:
      return fmt::format(
          "training ended worse than it began: training loss {:.4g}, in the first batches {:.4g}",
          train_loss, first_loss);
    case Verdict::kChance:
      return fmt::format(
          "the model is no better than chance: test accuracy {:.2f} %, the commonest class alone "
          "{:.2f} %",
          100 * test_accuracy, 100 * chance_accuracy);
  }
  return "";
}

}  // namespace valley
