#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "valley/optim/flat_parameters.h"

namespace valley {

/// A plane in parameter space: the points origin + x first + y second, all [d].
struct Plane {
  at::Tensor origin, first, second;
  std::array<std::string, 2> axes;  ///< what the directions are

  at::Tensor at(double x, double y) const;
};

/// The coordinates of the point of the plane that is nearest to a given one, and how far that is.
struct PlaneCoordinates {
  double x = 0, y = 0, off_plane = 0;
};
PlaneCoordinates coordinates(const Plane& plane, const at::Tensor& point);

// The directions of the first three have length 1 and a right angle between them, so that distances
// in the picture are distances between parameter vectors.

/// Through the average and workers a and b. Origin: the average; first: towards a.
/// @throws UsageError if a, b or the average are (nearly) the same, or in one line: two workers and
///     their average always are.
Plane plane_through_average(const at::Tensor& average, const std::vector<at::Tensor>& workers,
                            int a, int b);

/// Through three workers. Origin: their mean; first: from it towards a.
/// @throws UsageError likewise.
Plane plane_through_workers(const std::vector<at::Tensor>& workers, int a, int b, int c);

/// Along the two directions in which the workers differ most: the first two principal components of
/// x_m - x_A. With two workers there is one; the second direction is random then.
/// @throws UsageError for fewer than two workers, or if they are all the same.
Plane plane_of_spread(const at::Tensor& average, const std::vector<at::Tensor>& workers,
                      uint64_t seed);

/// Two random directions whose every filter has the length of that filter of `x`: a unit along an
/// axis is as large a change for every layer. Filters as in row_scale.h; parameters of one
/// dimension stay as they are. @throws UsageError if that leaves no two directions.
///
/// Reference: Li, Xu, Taylor, Studer and Goldstein, "Visualizing the Loss Landscape of Neural
/// Nets", NeurIPS 2018, arXiv:1712.09913.
Plane random_plane(const at::Tensor& x, const std::vector<NamedRange>& ranges, uint64_t seed);

}  // namespace valley
