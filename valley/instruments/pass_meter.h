#pragma once

#include <vector>

#include "valley/record/progress.h"

namespace valley {

/// Turns forward passes into a bar that never says more than is known. The work comes in parts,
/// each with an expectation. A part that takes less takes its rest with it; one that takes more
/// goes on being unfinished, as if what came last came once more. So the end is reached at the end
/// only, and the time left is that of what is expected still.
///
///     PassMeter meter(&progress, {1, 20});
///     meter.begin(1);   ...add() as it goes...
///     meter.begin(20);  ...
///     meter.finish();
class PassMeter {
 public:
  /// `progress` may be null. What is expected of every part, in passes; parts that are never begun
  /// go when it is finished.
  PassMeter(Progress* progress, std::vector<double> parts);

  /// Ends the part before, and begins the next, of which so much is expected now.
  void begin(double expected);
  void add(double passes);
  void finish();

 private:
  void show();

  Progress* progress_;
  std::vector<double> parts_;
  size_t next_ = 0;                        // of the parts
  double done_ = 0, left_ = 0, rest_ = 0;  // left of this part; rest: of those to come
};

}  // namespace valley
