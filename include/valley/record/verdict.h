#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "valley/core/scores.h"

namespace valley {

/// What a training that came to its end was good for. It may end in good order with a model that
/// nobody wants.
enum class Verdict {
  kUnknown,  ///< it has not ended, or was recorded before there were verdicts
  kLearned,
  kWorse,   ///< its training loss is above that of the first batches
  kChance,  ///< its headline is no better than that of who knows nothing, see ScoreSheet::chance
};

/// "unknown", "learned", "worse" or "chance": what summary.json says.
std::string_view name(Verdict verdict);

/// The inverse; kUnknown for any other text.
Verdict parse_verdict(std::string_view name);

/// What a verdict is based on.
struct EndFigures {
  /// Mean loss of the workers' first batches, as training saw them: with augmentation and dropout,
  /// and what a method adds (the noise of ssgd-noise). It costs nothing, and is not exact: 32
  /// examples a worker, say. NaN: not known.
  double first_loss = std::numeric_limits<double>::quiet_NaN();
  double train_loss = 0;                                      ///< at the end, of the average model
  double train_score = 0, test_score = 0;                     ///< its headline
  std::optional<double> train_chance = {}, test_chance = {};  ///< and that of chance, if known
};

/// `headline`: what the scores are.
Verdict judge(const EndFigures& end, const ScoreInfo& headline);

/// "training ended worse than it began: training loss 59.1, in the first batches 2.31"; "" for a
/// training that learned, or of which nobody knows.
/// Of `end` are read the losses, test_score and test_chance.
std::string caution(Verdict verdict, const EndFigures& end, const ScoreSheet& sheet);

}  // namespace valley
