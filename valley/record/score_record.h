#pragma once

#include <vector>

#include "valley/core/scores.h"
#include "valley/record/json_file.h"

namespace valley {

/// Says in a record what its scores are:
///
///     "task": {"name": "squares", "headline": "mse", "chance": "...",
///              "scores": [{"name": "loss", "more_is_better": false, "is_share": false}, ...]}
///
/// Nothing for classification, so that its records are what they always were.
void add_sheet(Json& record, const ScoreSheet& sheet);

/// What a record says of its scores; classification's where it says nothing, or nothing whole.
ScoreSheet sheet_of(const Json& record);

/// [{"loss": ..., "accuracy": ...}, ...], one a worker.
Json by_worker(const std::vector<Scores>& workers);

/// Adds "train_loss", "train_accuracy", ...; `of` is "train" or "test".
void add_scores(Json& record, const ScoreSheet& sheet, std::string_view of, const Scores& scores);

}  // namespace valley
