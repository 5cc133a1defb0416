#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "valley/analysis/objective.h"
#include "valley/analysis/plane.h"
#include "valley/instruments/landscape_options.h"
#include "valley/instruments/run_facts.h"

/// The loss around the minimum that a finished run found.
///
///     const FinishedRun run = FinishedRun::open("runs/first");
///     Landscape landscape(run, {.plane = PlaneKind::kRandom});
///     const Survey survey = landscape.survey(landscape.extent());
///     write_atomically("landscape.svg", landscape_svg(survey));
namespace valley {

/// What was taken of whom, and how.
struct LandscapeFacts {
  RunFacts run = {};
  LandscapeOptions options = {};
  int64_t examples = 0;
};

/// The loss over a square of a plane.
struct Survey {
  LandscapeFacts facts = {};
  std::array<std::string, 2> axes = {};  ///< what they are, for a person
  std::vector<double> axis = {};         ///< the coordinates of both
  /// [y][x]; loss not finite where it was not. Error: see error_of().
  std::vector<std::vector<double>> loss = {}, error = {};

  /// The average and the workers, and how far from the plane they stand.
  struct Stand {
    std::string name = {};
    PlaneCoordinates at = {};
    double loss = 0, error = 0;
  };
  std::vector<Stand> stands = {};
  double seconds = 0;
};

/// The loss on the way from one run's average to another's, and beyond both.
struct Line {
  LandscapeFacts facts = {};  ///< of the first run
  std::string to = {};        ///< folder of the second
  double distance = 0;
  std::vector<double> t = {}, loss = {}, error = {};  ///< t: 0 is the first run, 1 the second
  std::array<double, 2> loss_at_ends{};               ///< at t = 0 and 1
  double barrier = 0, barrier_at = 0;  ///< the highest rise above the chord, and its t
};

/// A run, a plane through it, and the loss there.
class Landscape {
 public:
  /// `threads` share the batches; 0: one a core. `run` must outlive it.
  /// @throws UsageError if the run has not the workers that the plane needs; says what to try.
  Landscape(const FinishedRun& run, const LandscapeOptions& options, int threads = 0);
  ~Landscape();
  Landscape(Landscape&&) noexcept;

  /// Twice as far as the workers stand from the middle; 1 on a random plane.
  double extent() const;

  /// From -extent to extent along both axes.
  /// @throws UsageError if the run diverged; Stopped soon after *watch.stop has become true.
  Survey survey(double extent, const InstrumentWatch& watch = {});

 private:
  struct View;
  std::unique_ptr<View> view_;
  Plane plane_;

  friend Line cut(const FinishedRun&, const FinishedRun&, const LandscapeOptions&, int,
                  const InstrumentWatch&);
};

/// The loss from t = -0.25 to 1.25, at options.points of them; the plane does not count.
/// @throws UsageError if the runs are of different models; Stopped.
Line cut(const FinishedRun& from, const FinishedRun& to, const LandscapeOptions& options,
         int threads = 0, const InstrumentWatch& watch = {});

/// What the files in the run folder hold.
Json to_json(const Survey& survey);
Json to_json(const Line& line);
std::string landscape_svg(const Survey& survey);
std::string line_svg(const Line& line);

/// Their names without the ending. Every plane has a file of its own; the one that is looked at by
/// default has the short name.
std::string landscape_file(PlaneKind plane);
inline constexpr const char* kLineFile = "line";

}  // namespace valley
