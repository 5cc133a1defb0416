#pragma once

#include <limits>
#include <string>
#include <string_view>

namespace valley {

/// What a training that came to its end was good for. It may end in good order with a model that
/// nobody wants.
enum class Verdict {
  kUnknown,  ///< it has not ended, or was recorded before there were verdicts
  kLearned,
  kWorse,   ///< its training loss is above that of the first batches
  kChance,  ///< no more answers are right than if one class were always the answer
};

/// "unknown", "learned", "worse" or "chance": what summary.json says.
std::string_view name(Verdict verdict);

/// The inverse; kUnknown for any other text.
Verdict parse_verdict(std::string_view name);

/// What a verdict is based on. Accuracies are in [0, 1].
struct EndFigures {
  /// Mean loss of the workers' first batches, as training saw them: with augmentation and dropout,
  /// and what a method adds (the noise of ssgd-noise). It costs nothing, and is not exact: 32
  /// examples a worker, say. NaN: not known.
  double first_loss = std::numeric_limits<double>::quiet_NaN();
  double train_loss = 0, train_accuracy = 0,
         test_accuracy = 0;                  ///< at the end, of the average model
  double train_chance = 0, test_chance = 0;  ///< share of the commonest class in the data
};

Verdict judge(const EndFigures& end);

/// "training ended worse than it began: training loss 59.1, in the first batches 2.31"; "" for a
/// training that learned, or of which nobody knows.
std::string caution(Verdict verdict, double train_loss, double first_loss, double test_accuracy,
                    double chance_accuracy);

}  // namespace valley
