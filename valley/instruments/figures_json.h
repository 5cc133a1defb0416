#pragma once

#include <vector>

#include "valley/analysis/figures.h"
#include "valley/analysis/live_probe.h"
#include "valley/analysis/measure_details.h"
#include "valley/record/json_file.h"

/// What analysis finds, as JSON under the names that docs/dynamics.md and docs/measures.md explain.
/// What is no number is null.
namespace valley {

/// {"value", "standard_error"}
Json to_json(const Estimate& estimate);

/// distances, consensus_distance, sigma_w_squared, sigma_per_parameter, angles and, where there are
/// any, angle_mean, angle_least and angle_largest.
Json to_json(const SpreadFigures& figures);
Json to_json(const RateFigures& figures);
Json to_json(const SmoothedFigures& figures);

/// What metrics.jsonl holds of a probe.
Json to_json(const LiveFigures& figures);

/// An object; empty where a measure has nothing to tell beside its value.
Json to_json(const MeasureDetails& details);

/// A list of numbers.
Json to_json(const std::vector<double>& values);

}  // namespace valley
