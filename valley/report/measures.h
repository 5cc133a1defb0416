#pragma once

#include <cstddef>

#include "valley/record/json_file.h"

/// What the instruments leave beside a run, brought into the shape the page draws. A file that
/// lacks what a panel needs gives null, and the panel stays away.
namespace valley {

/// landscape.json: {plane, axes, x: [nx], y: [ny], loss: [ny][nx], points: [{name, x, y, loss}]}.
/// Null unless x, y and a loss of their sizes are there; what else is there is kept.
Json landscape_of(const Json& file);

/// classes.json as {classes: [{name, examples}] of C, confusion: [C][C]}, counts of the test set: a
/// row a class, how often each answer was given. Null unless all of it is there.
Json classes_of(const Json& file);

/// robust.json as {attack, examples, scores: [{name, clean, robust}]}, of the test set. Null unless
/// all of it is there.
Json robust_of(const Json& file);

/// sharpness.json as {measures: [{name, value, standard_error, unit, note}],
/// spectrum: {eigenvalue: [n], density: [n], floor}, how}; each may be missing. Read are a list or
/// an object of measures, and a density {at, eigenvalues_share, width} of one of them. `floor` is a
/// tenth of the height that one eigenvalue alone has in it, 1 / (sqrt(2 pi) width d) of d
/// parameters: less is the tail of a bump, and says nothing. `how` says over what and with which
/// options: "500 examples, draws 20, seed 0, ...".
Json sharpness_of(const Json& file);

/// dynamics.json as {panels: [{title, x_label, series: [{name, x, y}]}]}. Read are
///
///     {"series": [{"name", "x", "y", "unit"}], "x_label"}   a panel for every unit
///     {"columns": [...], "rows": [[...]]}                   the first column is x
///     {"columns": {"name": [...]}}                          likewise
Json dynamics_of(const Json& file);

/// The final figures of dynamics.json. Every {value, standard_error} is as in the file; what is not
/// there is left out, and null is given where neither spread nor noise is.
///
///     spread     {consensus_distance, sigma_w_squared, workers, distances: [], losses: [],
///                 angles: [[]], in degrees}   of the first `most_workers` workers
///     loss, gradient_norm                     of the average
///     rate       {total, of_spread}           alpha_e / alpha
///     noise      {total, of_batches, of_spread, of_both}   Delta / alpha^2 and its parts
///     smoothed   {sigma, loss, curvatures: [{name, of_loss, of_smoothed_loss, bound}]}
///     notes      [] of what could not be measured
Json noise_of(const Json& file, size_t most_workers);

}  // namespace valley
