#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "valley/evaluation/evaluate.h"

namespace valley {

/// What a classifier answers to the examples of every class.
struct ClassAnswers {
  /// [C][C]: how many examples of class i got the answer j, the largest logit. The confusion
  /// matrix.
  std::vector<std::vector<int64_t>> counts;
  int64_t examples = 0;
  int64_t among_five = 0;  ///< examples whose class is among the five largest logits

  /// Whether that says anything: of five classes or fewer all are.
  bool has_top5() const { return counts.size() > 5; }
  double top5_accuracy() const {
    return static_cast<double>(among_five) / static_cast<double>(examples);
  }

  int64_t of_class(size_t c) const;  ///< examples
  double accuracy(size_t c) const;   ///< the share of them that is right, in [0, 1]; NaN of none
  /// The wrong answer that is most frequent; -1 where there is none.
  int64_t taken_for(size_t c) const;
};

/// Of the model's present parameters on a whole data set, as evaluate().
/// @throws UsageError if its examples have no classes; ModelError.
ClassAnswers class_answers(Model& model, const std::shared_ptr<const Dataset>& data,
                           const Dataset& statistics, Communicator& comm,
                           const EvaluationOptions& options = {});

}  // namespace valley
