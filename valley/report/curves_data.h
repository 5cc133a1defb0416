#pragma once

#include <vector>

#include "valley/record/json_file.h"
#include "valley/report/report_run.h"

namespace valley {

/// The records of metrics.jsonl as columns, at most `limits.points` long, for drawing:
///
///     rounds       epoch, width, predicted, lowest, highest (distance of a worker), lr, period
///     epochs       epoch, loss, lowest, highest (over the workers), lr
///     evaluations  epoch, the scores of the sheet (train_loss, test_accuracy, ...), comm_bytes,
///     ... probes       {"a/b": {step, value, error}}, from the numbers and estimates {value,
///                  standard_error} inside "probe" of any record; error only where there is one
///     kept         {"rounds": [of, shown], ...} for those that were thinned
///
/// What a record does not have, or is not finite, is null.
Json curves_of(const std::vector<Json>& records, const ScoreSheet& sheet,
               const ReportLimits& limits);

}  // namespace valley
