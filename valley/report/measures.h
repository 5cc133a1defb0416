#pragma once

#include "valley/record/json_file.h"

/// What the instruments leave beside a run, brought into the shape the page draws. A file that
/// lacks what a panel needs gives null, and the panel stays away.
namespace valley {

/// landscape.json: {plane, axes, x: [nx], y: [ny], loss: [ny][nx], points: [{name, x, y, loss}]}.
/// Null unless x, y and a loss of their sizes are there; what else is there is kept.
Json landscape_of(const Json& file);

/// sharpness.json as {measures: [{name, value, standard_error, unit, note}],
/// spectrum: {eigenvalue: [n], density: [n]}}; either may be missing. Read are a list or an object
/// of measures, and a density {at, eigenvalues_share} of one of them.
Json sharpness_of(const Json& file);

/// dynamics.json as {panels: [{title, x_label, series: [{name, x, y}]}]}. Read are
///
///     {"series": [{"name", "x", "y", "unit"}], "x_label"}   a panel for every unit
///     {"columns": [...], "rows": [[...]]}                   the first column is x
///     {"columns": {"name": [...]}}                          likewise
Json dynamics_of(const Json& file);

}  // namespace valley
