#pragma once

#include <cstddef>
#include <vector>

namespace valley {

/// A figure over the seeds of one setting.
struct Spread {
  double mean = 0;
  double deviation = 0;  ///< of the sample (n - 1); 0 for one value
  size_t count = 0;
};

/// Values that are not finite are left out; without any the count is 0.
Spread spread_of(const std::vector<double>& values);

/// Whether the means differ by more than twice the standard error of their difference,
/// sqrt(s1^2 / n1 + s2^2 / n2). With a single value on either side nothing can be said: false.
bool differ(const Spread& a, const Spread& b);

/// At most `most` indices below `count`, evenly spaced, the first and the last among them.
std::vector<size_t> thinned(size_t count, size_t most);

/// The number with six significant digits: more than a picture shows, and short as text.
double shortened(double value);

}  // namespace valley
