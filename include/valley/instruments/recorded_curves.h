#pragma once

#include <string>
#include <vector>

#include "valley/record/json_file.h"

namespace valley {

/// One number over the steps of a run.
struct DynamicsCurve {
  std::string name;   ///< "pull length"
  std::string panel;  ///< curves of one panel share an axis
  std::string unit;
  std::vector<double> x;      ///< step
  std::vector<double> y;      ///< not finite where the run recorded none
  std::string at = "rounds";  ///< what the points are: "rounds", "evaluations" or "probes"
};

/// How the workers moved, from the records of metrics.jsonl. For runs that meet in rounds, at
/// every round, as the workers met and before they were moved:
///
///     valley width       W = mean_m r_m, r_m = ||x_m - x_A||; nearest and farthest worker
///     predicted width    lambda / alpha, where the widths settle without gradients
///     pull length        alpha W, how far the pull moves a worker, on average
///     push length        lambda, how far the push moves it
///     potential V        sum_m [alpha / 2 r_m^2 - lambda r_m], and its lowest possible value
///
/// and for others the width wherever the run was evaluated. Empty if nothing is there.
std::vector<DynamicsCurve> dynamics_curves(const std::vector<Json>& metrics);

/// What the probes of the run recorded (see LiveProbe): the consensus distance, angles between
/// workers, effective learning rate, noise strength and its parts, losses, smoothed loss and its
/// curvature. Empty if there were none.
std::vector<DynamicsCurve> probe_curves(const std::vector<Json>& metrics);

/// How many rounds are in the records.
int64_t recorded_rounds(const std::vector<Json>& metrics);

/// The pull and push of the last round; zeros if there was none.
struct Forces {
  double pull = 0;  ///< alpha
  double push = 0;  ///< lambda
};
Forces last_forces(const std::vector<Json>& metrics);

/// At most `points` points of a curve, evenly chosen, the first and the last among them.
DynamicsCurve thinned(const DynamicsCurve& curve, size_t points);

}  // namespace valley
