#pragma once

#include <functional>
#include <optional>

namespace valley {

enum class ValleySearch {
  kBisect,  ///< double the distance until it is crossed, then bisect
  kStep,    ///< walk in steps of equal length; the result lies in [t, t + step)
};

struct CrossingOptions {
  ValleySearch search = ValleySearch::kBisect;
  double step = 0.1;        ///< kStep: length of a step; kBisect: the first distance tried; > 0
  double tolerance = 1e-3;  ///< kBisect: relative, of the distance; in (0, 1)
  double cap = 1e4;         ///< farther than this nobody walks; at least `step`
};

/// @throws UsageError if an option is out of range.
void check(const CrossingOptions& options);

/// The distance t > 0 at which crossed(t) becomes true, nothing if it does not up to the cap.
/// Where it becomes false again behind a ridge, kBisect may find a later one.
///
/// Calls: about |log2(t / step)| + log2(1 / tolerance) (kBisect) or t / step (kStep).
std::optional<double> first_crossing(const std::function<bool(double)>& crossed,
                                     const CrossingOptions& options);

}  // namespace valley
